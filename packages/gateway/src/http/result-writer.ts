// One statement's reply messages → one result object of the response (reference/neon-wire.md §1.7):
// {"fields":[…],"rows":[…],"command":"SELECT","rowCount":1,"rowAsArray":true}

import { ProtocolError } from '@postern/wire';
import { createJsonWriter, type JsonWriter } from './json-writer.ts';
import { writeValue } from './parsed-values.ts';
import type { TypeCatalogue } from './type-catalogue.ts';
import { stringFormat, type ValueFormat } from './value-format.ts';

/** How values are written. */
export interface ResultFormat {
  /** Raw text output: every value a string, whatever its type. */
  readonly isRaw: boolean;
  /** Not needed in raw mode. */
  readonly catalogue: TypeCatalogue;
}

/** Feed it the bodies of one statement's messages in their order. Bodies are borrowed. */
export interface ResultWriter {
  /** A new result begins; `isArrayMode` is the shape of its rows. */
  begin(format: ResultFormat, isArrayMode: boolean): void;
  /** OIDs whose format the catalogue must learn before the RowDescription can be written; usually none. */
  unknownTypes(format: ResultFormat, rowDescription: Uint8Array): readonly number[];
  rowDescription(body: Uint8Array): void;
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

interface Column {
  readonly format: ValueFormat;
  /** What stands in front of the value: `[` or `,`, in object mode with the name. */
  readonly prefix: Uint8Array;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const fragments = {
  fields: ascii('{"fields":['),
  name: ascii('{"name":'),
  dataTypeID: ascii(',"dataTypeID":'),
  tableID: ascii(',"tableID":'),
  columnID: ascii(',"columnID":'),
  dataTypeSize: ascii(',"dataTypeSize":'),
  dataTypeModifier: ascii(',"dataTypeModifier":'),
  format: ascii(',"format":"text"}'),
  rows: ascii('],"rows":['),
  command: ascii('],"command":'),
  rowCount: ascii(',"rowCount":'),
  rowAsArray: ascii(',"rowAsArray":'),
  true: ascii('true}'),
  false: ascii('false}'),
  null: ascii('null'),
  openArray: ascii('['),
  comma: ascii(','),
} as const;

const byteOf = { comma: 0x2c, openBracket: 0x5b, closeBracket: 0x5d, openBrace: 0x7b, closeBrace: 0x7d };
const noColumns: readonly Column[] = [];
const noTypes: readonly number[] = [];

/** Bytes of a RowDescription entry behind its name: Int32 table, Int16 column, Int32 type, Int16 size, Int32 modifier, Int16 format. */
const fieldBytes = 18;

// A class for its hidden class: `dataRow` runs once per row.
class JsonResultWriter implements ResultWriter {
  private readonly writer: JsonWriter;
  private format: ResultFormat | undefined;
  private isArrayMode = false;
  private columns = noColumns;
  private rowCount = 0;
  /** Where the text of the result stands. */
  private state: 'fields' | 'rows' | 'done' = 'done';

  constructor(writer: JsonWriter) {
    this.writer = writer;
  }

  begin(format: ResultFormat, isArrayMode: boolean): void {
    this.format = format;
    this.isArrayMode = isArrayMode;
    this.columns = noColumns;
    this.rowCount = 0;
    this.state = 'fields';
  }

  unknownTypes({ isRaw, catalogue }: ResultFormat, rowDescription: Uint8Array): readonly number[] {
    if (isRaw) return noTypes;
    const unknown: number[] = [];
    forEachField(rowDescription, (_start, end) => {
      const typeOid = uint32(rowDescription, end + 7);
      if (catalogue.format(typeOid) === undefined) unknown.push(typeOid);
    });
    return unknown;
  }

  rowDescription(body: Uint8Array): void {
    const { writer, format } = this;
    if (this.state !== 'fields' || format === undefined) throw new ProtocolError('unexpected RowDescription');
    const columns: Column[] = [];
    writer.raw(fragments.fields);
    // Offsets count from the NUL behind the name.
    forEachField(body, (start, end) => {
      const typeOid = uint32(body, end + 7);
      if (columns.length > 0) writer.byte(byteOf.comma);
      writer.raw(fragments.name);
      writer.string(body, start, end);
      writer.raw(fragments.dataTypeID);
      writer.integer(typeOid);
      writer.raw(fragments.tableID);
      writer.integer(uint32(body, end + 1));
      writer.raw(fragments.columnID);
      writer.integer(int16(body, end + 5));
      writer.raw(fragments.dataTypeSize);
      writer.integer(int16(body, end + 11));
      writer.raw(fragments.dataTypeModifier);
      writer.integer(int32(body, end + 13));
      writer.raw(fragments.format);
      columns.push({
        format: format.isRaw ? stringFormat : (format.catalogue.format(typeOid) ?? stringFormat),
        prefix: this.prefix(body, start, end, columns.length === 0),
      });
    });
    writer.raw(fragments.rows);
    this.columns = columns;
    this.state = 'rows';
  }

  dataRow(bytes: Uint8Array, start: number, end: number): void {
    const { writer, columns } = this;
    if (this.state !== 'rows' || end - start < 2 || int16(bytes, start) !== columns.length) throw malformedRow();
    if (this.rowCount++ > 0) writer.byte(byteOf.comma);
    if (columns.length === 0) writer.byte(this.isArrayMode ? byteOf.openBracket : byteOf.openBrace);
    let at = start + 2;
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!;
      writer.raw(column.prefix);
      if (at + 4 > end) throw malformedRow();
      const length = int32(bytes, at);
      at += 4;
      if (length === -1) {
        writer.raw(fragments.null);
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
    writer.raw(fragments.command);
    writer.string(body, 0, commandEnd);
    writer.raw(fragments.rowCount);
    if (isDecimal(body, countStart, countEnd)) writer.raw(body, countStart, countEnd);
    else writer.raw(fragments.null);
    this.finish();
  }

  completeEmpty(): void {
    this.openRows();
    const { writer } = this;
    writer.raw(fragments.command);
    writer.string(noBytes, 0, 0);
    writer.raw(fragments.rowCount);
    writer.raw(fragments.null);
    this.finish();
  }

  /** A statement without columns has no RowDescription: its lists are empty. */
  private openRows(): void {
    if (this.state === 'done') throw new ProtocolError('unexpected end of a statement');
    if (this.state === 'fields') {
      this.writer.raw(fragments.fields);
      this.writer.raw(fragments.rows);
    }
  }

  private finish(): void {
    this.writer.raw(fragments.rowAsArray);
    this.writer.raw(this.isArrayMode ? fragments.true : fragments.false);
    this.state = 'done';
  }

  private prefix(body: Uint8Array, start: number, end: number, isFirst: boolean): Uint8Array {
    if (this.isArrayMode) return isFirst ? fragments.openArray : fragments.comma;
    // Duplicate names give duplicate keys, as at Neon; JSON.parse keeps the last.
    const prefix = createJsonWriter({ maxBytes: (end - start) * 6 + 4, initialBytes: end - start + 4 });
    prefix.byte(isFirst ? byteOf.openBrace : byteOf.comma);
    prefix.string(body, start, end);
    prefix.byte(0x3a); // :
    return prefix.finish();
  }
}

const noBytes = new Uint8Array(0);

/** Calls `visit` with the bounds of each name; the fixed part begins one byte behind `nameEnd`. */
function forEachField(body: Uint8Array, visit: (nameStart: number, nameEnd: number) => void): void {
  const count = body.length < 2 ? -1 : int16(body, 0);
  let at = 2;
  for (let index = 0; index < count; index++) {
    const nameEnd = body.indexOf(0, at);
    if (nameEnd < 0 || nameEnd + 1 + fieldBytes > body.length) break;
    visit(at, nameEnd);
    at = nameEnd + 1 + fieldBytes;
  }
  if (count < 0 || at !== body.length) throw new ProtocolError('malformed RowDescription message');
}

function endOfWord(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 0x20) at++;
  return at;
}

const insert = ascii('INSERT');

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

function uint32(bytes: Uint8Array, at: number): number {
  return int32(bytes, at) >>> 0;
}
