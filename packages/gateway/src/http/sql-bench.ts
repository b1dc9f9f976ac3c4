// What one answer is written with: a reader for the session's messages, writers for the response. They are used again by
// the next answer; whoever needs them longer than others only makes others be created meanwhile.

import { createMessageReader, type MessageReader } from '@postern/wire';
import { createJsonWriter, type JsonWriter } from './json-writer.ts';
import { createDescribeResult, type DescribeResult } from './result-description.ts';
import { createResultWriter, type ResultWriter } from './result-writer.ts';

/** Who is answered. */
export interface BenchUser {
  /** One whole message but DataRow; the body is borrowed. */
  onMessage(code: number, body: Uint8Array): void;
  /** The body is `bytes[start, end)`, borrowed. */
  onDataRow(bytes: Uint8Array, start: number, end: number): void;
}

export interface SqlBench {
  readonly reader: MessageReader;
  readonly writer: JsonWriter;
  /** Makes of a RowDescription what `results` takes. */
  readonly describe: DescribeResult;
  readonly results: ResultWriter;
}

export interface SqlBenches {
  take(user: BenchUser): SqlBench;
  /** Gives back what `take` gave, once. Not after `reader` has thrown: who does not give it back leaves it to nobody. */
  give(bench: SqlBench): void;
}

export interface SqlBenchesOptions {
  /** Most bytes of a response. */
  readonly maxResponseBytes: number;
  /** Kept while nobody needs them: as many answers arrive in pieces at a time. */
  readonly maxIdle?: number;
}

/** What a document is begun in. */
const firstBytes = 32_768;
/** Longer documents leave their memory to the next ones, up to here and in so many benches. */
const maxKeptBytes = 2_097_152;
const maxLargeIdle = 4;

export function createSqlBenches({ maxResponseBytes, maxIdle = 8 }: SqlBenchesOptions): SqlBenches {
  const idle: OwnBench[] = [];
  return {
    take(user) {
      const bench = idle.pop() ?? new OwnBench(maxResponseBytes);
      bench.user = user;
      return bench;
    },
    give(bench) {
      const own = bench as OwnBench; // from `take`
      own.user = undefined;
      own.writer.reset(idle.length < maxLargeIdle ? maxKeptBytes : firstBytes);
      if (idle.length < maxIdle && own.reader.bufferedBytes === 0) idle.push(own);
    },
  };
}

class OwnBench implements SqlBench {
  user: BenchUser | undefined;
  readonly reader: MessageReader;
  readonly writer: JsonWriter;
  readonly describe = createDescribeResult();
  readonly results: ResultWriter;

  constructor(maxResponseBytes: number) {
    this.writer = createJsonWriter({ maxBytes: maxResponseBytes, initialBytes: firstBytes });
    this.results = createResultWriter(this.writer);
    this.reader = createMessageReader({
      // Values in binary lengths can be longer than in JSON (`1` is five bytes in a DataRow), but not four times.
      maxMessageBytes: maxResponseBytes * 4 + 65_536,
      onMessage: (code, body) => this.user?.onMessage(code, body),
      onDataRow: (bytes, start, end) => this.user?.onDataRow(bytes, start, end),
    });
  }
}
