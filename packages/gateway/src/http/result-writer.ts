// One statement's reply messages → one result object of the response (reference/neon-wire.md §1.7):
// {"fields":[…],"rows":[…],"command":"SELECT","rowCount":1,"rowAsArray":true}

import { commandRowCount, decodeCommandComplete, ProtocolError } from '@postern/wire';
import { createJsonWriter, type JsonWriter } from './json-writer.ts';
import { writeValue } from './parsed-values.ts';
import type { TypeCatalogue } from './type-catalogue.ts';
import { stringFormat, type ValueFormat } from './value-format.ts';

export interface ResultWriterOptions {
  /** Where the results go; what separates them is the caller's to write. */
  readonly writer: JsonWriter;
  /** Raw text output: every value a string, whatever its type. */
  readonly isRaw: boolean;
  /** Not needed in raw mode. */
  readonly catalogue: TypeCatalogue;
}

/** Feed it the bodies of one statement's messages in their order. Bodies are borrowed. */
export interface ResultWriter {
  /** A new result begins; `isArrayMode` is the shape of its rows. */
  begin(isArrayMode: boolean): void;
  /** OIDs whose format the catalogue must learn before the RowDescription can be written; usually none. */
  unknownTypes(rowDescription: Uint8Array): number[];
  rowDescription(body: Uint8Array): void;
  /** The body is `bytes[start, end)`. */
  dataRow(bytes: Uint8Array, start: number, end: number): void;
  /** CommandComplete. */
  complete(body: Uint8Array): void;
  /** EmptyQueryResponse. */
  completeEmpty(): void;
}

export function createResultWriter(options: ResultWriterOptions): ResultWriter {
  return new JsonResultWriter(options);
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

/** Bytes of a RowDescription entry behind its name: Int32 table, Int16 column, Int32 type, Int16 size, Int32 modifier, Int16 format. */
const fieldBytes = 18;

// A class for its hidden class: `dataRow` runs once per row.
class JsonResultWriter implements ResultWriter {
  private readonly writer: JsonWriter;
  private readonly isRaw: boolean;
  private readonly catalogue: TypeCatalogue;
  private isArrayMode = false;
  private columns = noColumns;
  private rowCount = 0;
  /** Where the text of the result stands. */
  private state: 'fields' | 'rows' | 'done' = 'done';

  constructor(options: ResultWriterOptions) {
    this.writer = options.writer;
    this.isRaw = options.isRaw;
    this.catalogue = options.catalogue;
  }

  begin(isArrayMode: boolean): void {
    this.isArrayMode = isArrayMode;
    this.columns = noColumns;
    this.rowCount = 0;
    this.state = 'fields';
  }

  unknownTypes(rowDescription: Uint8Array): number[] {
    const unknown: number[] = [];
    if (this.isRaw) return unknown;
    forEachField(rowDescription, (_start, end) => {
      const typeOid = uint32(rowDescription, end + 7);
      if (this.catalogue.format(typeOid) === undefined) unknown.push(typeOid);
    });
    return unknown;
  }

  rowDescription(body: Uint8Array): void {
    if (this.state !== 'fields') throw new ProtocolError('unexpected RowDescription');
    const { writer } = this;
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
        format: this.isRaw ? stringFormat : (this.catalogue.format(typeOid) ?? stringFormat),
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
    const { command, rowCount } = commandRowCount(decodeCommandComplete(body));
    writer.raw(fragments.command);
    writer.string(body, 0, command.length); // tags are ASCII
    writer.raw(fragments.rowCount);
    if (rowCount === null) writer.raw(fragments.null);
    else writer.integer(rowCount);
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
