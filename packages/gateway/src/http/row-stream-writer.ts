// One statement's reply messages → the lines of a streamed result (contract/row-stream.ts), in pieces that can be sent
// at any moment. Knows nothing of HTTP.

import type { RowStreamEnd, SqlField } from '@postern/contract';
import { decodeRowDescription, ProtocolError } from '@postern/wire';
import { createJsonWriter, type JsonWriter } from './json-writer.ts';

export interface RowStreamWriter {
  /** How many bytes of messages are about to come; memory for the next piece is got at once. */
  expect(bytes: number): void;
  /** RowDescription. Body borrowed, like those of the rows. */
  head(body: Uint8Array): void;
  /** NoData: a statement without a result. */
  headOfNothing(): void;
  /** DataRow. Leaves nothing of the line behind when it throws. */
  row(body: Uint8Array): void;
  end(end: RowStreamEnd): void;
  /** What was written since the last call, whole lines; the caller's to keep. Empty when there is nothing. */
  take(): Uint8Array;
}

export interface RowStreamWriterOptions {
  /** Most bytes of a DataRow message, as its reader allows: a row is held in memory. */
  readonly maxRowBytes: number;
}

const byteOf = { newline: 0x0a, comma: 0x2c, openBracket: 0x5b, closeBracket: 0x5d };
const nullText = new TextEncoder().encode('null');
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

  row(body: Uint8Array): void {
    const writer = this.started();
    const start = writer.length;
    try {
      this.values(writer, body);
    } catch (error) {
      const whole = writer.finish().subarray(0, start);
      this.writer = undefined;
      this.started().raw(whole);
      throw error;
    }
  }

  private values(writer: JsonWriter, body: Uint8Array): void {
    if (body.length < 2 || ((body[0]! << 8) | body[1]!) !== this.columnCount) throw malformedRow();
    writer.byte(byteOf.openBracket);
    let at = 2;
    for (let index = 0; index < this.columnCount; index++) {
      if (index > 0) writer.byte(byteOf.comma);
      if (at + 4 > body.length) throw malformedRow();
      const length = (body[at]! << 24) | (body[at + 1]! << 16) | (body[at + 2]! << 8) | body[at + 3]!;
      at += 4;
      if (length === -1) {
        writer.raw(nullText);
        continue;
      }
      if (length < 0 || at + length > body.length) throw malformedRow();
      writer.string(body, at, at + length);
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
