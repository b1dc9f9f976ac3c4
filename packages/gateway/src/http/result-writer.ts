// One statement's reply messages → one result object of the response (reference/neon-wire.md §1.7):
// {"fields":[…],"rows":[…],"command":"SELECT","rowCount":1,"rowAsArray":true}

import { ProtocolError } from '@postern/wire';
import { createFragment, type JsonWriter, nullFragment } from './json-writer.ts';
import { writeValue } from './parsed-values.ts';
import { noResult, type ResultDescription } from './result-description.ts';
import { stringFormat } from './value-format.ts';

/** Feed it the bodies of one statement's messages in their order. Bodies are borrowed. */
export interface ResultWriter {
  /** A new result begins; `isArrayMode` is the shape of its rows. */
  begin(isArrayMode: boolean): void;
  /** RowDescription. */
  rowDescription(description: ResultDescription): void;
  /** The body is `bytes[start, end)`. */
  dataRow(bytes: Uint8Array, start: number, end: number): void;
  /** CommandComplete. */
  complete(body: Uint8Array): void;
  /** EmptyQueryResponse. */
  completeEmpty(): void;
}

/** `writer`: where the results go; what separates them is the caller's to write. */
export function createResultWriter(writer: JsonWriter): ResultWriter {
  return new JsonResultWriter(writer);
}

const fragments = {
  command: createFragment('],"command":'),
  rowCount: createFragment(',"rowCount":'),
  isArray: createFragment(',"rowAsArray":true}'),
  isObject: createFragment(',"rowAsArray":false}'),
} as const;

const byteOf = { comma: 0x2c, openBracket: 0x5b, closeBracket: 0x5d, openBrace: 0x7b, closeBrace: 0x7d };
/** Rows from here on have more in them than preparing to copy from them costs. */
const worthwhileRowBytes = 64;

// A class for its hidden class: `dataRow` runs once per row.
class JsonResultWriter implements ResultWriter {
  private readonly writer: JsonWriter;
  private isArrayMode = false;
  private columns = noResult.columns;
  private rowCount = 0;
  /** Where the text of the result stands. */
  private state: 'fields' | 'rows' | 'done' = 'done';

  constructor(writer: JsonWriter) {
    this.writer = writer;
  }

  begin(isArrayMode: boolean): void {
    this.isArrayMode = isArrayMode;
    this.rowCount = 0;
    this.state = 'fields';
  }

  rowDescription({ start, columns }: ResultDescription): void {
    if (this.state !== 'fields') throw new ProtocolError('unexpected RowDescription');
    this.writer.raw(start);
    this.columns = columns;
    this.state = 'rows';
  }

  dataRow(bytes: Uint8Array, start: number, end: number): void {
    const { writer, columns } = this;
    if (this.state !== 'rows' || end - start < 2 || int16(bytes, start) !== columns.length) throw malformedRow();
    if (this.rowCount++ > 0) writer.byte(byteOf.comma);
    if (columns.length === 0) writer.byte(this.isArrayMode ? byteOf.openBracket : byteOf.openBrace);
    if (end - start >= worthwhileRowBytes) writer.readFrom(bytes);
    let at = start + 2;
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!;
      writer.fragment(column.prefix);
      if (at + 4 > end) throw malformedRow();
      const length = int32(bytes, at);
      at += 4;
      if (length === -1) {
        writer.fragment(nullFragment);
        continue;
      }
      const valueEnd = at + length;
      if (length < 0 || valueEnd > end) throw malformedRow();
      if (column.format === stringFormat) writer.string(bytes, at, valueEnd);
      else writeValue(writer, column.format, bytes, at, valueEnd);
      at = valueEnd;
    }
    writer.byte(this.isArrayMode ? byteOf.closeBracket : byteOf.closeBrace);
  }

  complete(body: Uint8Array): void {
    this.openRows();
    const { writer } = this;
    // The body is the tag with a NUL behind it: `SELECT 5`, `INSERT 0 5` (the 0 is a relic), `CREATE TABLE`.
    const tagEnd = body.length - 1;
    const commandEnd = endOfWord(body, 0, tagEnd);
    let countStart = commandEnd + 1;
    if (isInsert(body, commandEnd)) countStart = endOfWord(body, countStart, tagEnd) + 1;
    const countEnd = endOfWord(body, countStart, tagEnd);
    writer.fragment(fragments.command);
    writer.string(body, 0, commandEnd);
    writer.fragment(fragments.rowCount);
    if (isDecimal(body, countStart, countEnd)) writer.raw(body, countStart, countEnd);
    else writer.fragment(nullFragment);
    this.finish();
  }

  completeEmpty(): void {
    this.openRows();
    const { writer } = this;
    writer.fragment(fragments.command);
    writer.string(noBytes, 0, 0);
    writer.fragment(fragments.rowCount);
    writer.fragment(nullFragment);
    this.finish();
  }

  /** A statement without columns has no RowDescription: its lists are empty. */
  private openRows(): void {
    if (this.state === 'done') throw new ProtocolError('unexpected end of a statement');
    if (this.state === 'fields') this.rowDescription(noResult);
  }

  private finish(): void {
    this.writer.fragment(this.isArrayMode ? fragments.isArray : fragments.isObject);
    this.state = 'done';
  }
}

const noBytes = new Uint8Array(0);

function endOfWord(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 0x20) at++;
  return at;
}

const insert = new TextEncoder().encode('INSERT');

function isInsert(tag: Uint8Array, length: number): boolean {
  if (length !== insert.length) return false;
  for (let at = 0; at < length; at++) if (tag[at] !== insert[at]) return false;
  return true;
}

function isDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return false;
  return end > start;
}

function malformedRow(): ProtocolError {
  return new ProtocolError('malformed DataRow message');
}

function int16(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16)) >> 16;
}

function int32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
