// One statement's reply messages → the lines of a streamed result (contract/row-stream.ts), in pieces that can be sent
// at any moment. Knows nothing of HTTP.

import type { RowStreamEnd, SqlField } from '@postern/contract';
import { decodeRowDescription, ProtocolError } from '@postern/wire';
import { createJsonWriter, type JsonWriter, nullFragment } from './json-writer.ts';

export interface RowStreamWriter {
  /** How many bytes of messages are about to come; memory for the next piece is got at once. */
  expect(bytes: number): void;
  /** RowDescription. Borrowed, like the rows. */
  head(body: Uint8Array): void;
  /** NoData: a statement without a result. */
  headOfNothing(): void;
  /** DataRow: its body is `bytes[start, end)`. Leaves nothing of the line behind when it throws. */
  row(bytes: Uint8Array, start: number, end: number): void;
  end(end: RowStreamEnd): void;
  /** What was written since the last call, whole lines; the caller's to keep. Empty when there is nothing. */
  take(): Uint8Array;
}

export interface RowStreamWriterOptions {
  /** Most bytes of a DataRow message, as its reader allows: a row is held in memory. */
  readonly maxRowBytes: number;
}

const byteOf = { newline: 0x0a, comma: 0x2c, openBracket: 0x5b, closeBracket: 0x5d };
const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);
/** \u001f for one byte. */
const longestEscapeBytes = 6;
const slackBytes = 256;

export function createRowStreamWriter({ maxRowBytes }: RowStreamWriterOptions): RowStreamWriter {
  return new LineWriter(maxRowBytes);
}

// A class for its hidden class: `row` runs once per row.
class LineWriter implements RowStreamWriter {
  private readonly maxRowBytes: number;
  private writer: JsonWriter | undefined;
  private expectedBytes = slackBytes;
  private columnCount = -1;

  constructor(maxRowBytes: number) {
    this.maxRowBytes = maxRowBytes;
  }

  expect(bytes: number): void {
    // Quotes and commas take about what the lengths in DataRow take, and escapes are rare.
    this.expectedBytes = bytes + (bytes >> 3) + slackBytes;
  }

  head(body: Uint8Array): void {
    if (this.columnCount >= 0) throw new ProtocolError('unexpected RowDescription');
    const fields = decodeRowDescription(body);
    this.columnCount = fields.length;
    this.line({ fields: fields.map(toField) });
  }

  headOfNothing(): void {
    if (this.columnCount >= 0) throw new ProtocolError('unexpected NoData');
    this.columnCount = 0;
    this.line({ fields: [] });
  }

  row(bytes: Uint8Array, start: number, end: number): void {
    const writer = this.started();
    const { length } = writer;
    try {
      this.values(writer, bytes, start, end);
    } catch (error) {
      const whole = writer.finish().subarray(0, length);
      this.writer = undefined;
      this.started().raw(whole);
      throw error;
    }
  }

  private values(writer: JsonWriter, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 2 || ((bytes[start]! << 8) | bytes[start + 1]!) !== this.columnCount) throw malformedRow();
    writer.readFrom(bytes);
    writer.byte(byteOf.openBracket);
    let at = start + 2;
    for (let index = 0; index < this.columnCount; index++) {
      if (index > 0) writer.byte(byteOf.comma);
      if (at + 4 > end) throw malformedRow();
      const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      at += 4;
      if (length === -1) {
        writer.fragment(nullFragment);
        continue;
      }
      if (length < 0 || at + length > end) throw malformedRow();
      writer.string(bytes, at, at + length);
      at += length;
    }
    writer.byte(byteOf.closeBracket);
    writer.byte(byteOf.newline);
  }

  end(end: RowStreamEnd): void {
    this.line(end);
  }

  take(): Uint8Array {
    const { writer } = this;
    this.writer = undefined;
    return writer === undefined ? noBytes : writer.finish();
  }

  private line(value: unknown): void {
    this.started().raw(encoder.encode(`${JSON.stringify(value)}\n`));
  }

  private started(): JsonWriter {
    this.writer ??= createJsonWriter({
      // Not a limit of its own: what one engine write brings, and one row of the largest size, at their worst.
      maxBytes: (this.maxRowBytes + this.expectedBytes) * longestEscapeBytes,
      initialBytes: this.expectedBytes,
    });
    return this.writer;
  }
}

/** The keys in Neon's order. */
function toField(field: ReturnType<typeof decodeRowDescription>[number]): SqlField {
  const { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier } = field;
  return { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format: 'text' };
}

function malformedRow(): ProtocolError {
  return new ProtocolError('malformed DataRow message');
}
