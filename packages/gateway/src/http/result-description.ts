// What a RowDescription makes of a result: its `fields` as JSON, and how the values of its rows are written. The same
// statements run again and again, so what was made for one answer serves the next: a description costs more than a row.

import { ProtocolError } from '@postern/wire';
import { createFragment, createJsonWriter, type Fragment, type JsonWriter } from './json-writer.ts';
import type { TypeCatalogue } from './type-catalogue.ts';
import { stringFormat, type ValueFormat } from './value-format.ts';

/** How values are written. */
export interface ResultFormat {
  /** Raw text output: every value a string, whatever its type. */
  readonly isRaw: boolean;
  /** Not needed in raw mode. */
  readonly catalogue: TypeCatalogue;
}

export interface ResultDescription {
  /** From the start of the result to that of its rows. */
  readonly start: Uint8Array;
  readonly columns: readonly Column[];
  /** OIDs whose format the catalogue does not know, and which are taken for strings; mostly none. */
  readonly unknownTypes: readonly number[];
}

export interface Column {
  readonly format: ValueFormat;
  /** What stands in front of the value: `[` or `,`, in object mode with the name. */
  readonly prefix: Fragment;
}

/** `body` is borrowed, a RowDescription's; `isArrayMode` is the shape of the rows. */
export type DescribeResult = (body: Uint8Array, format: ResultFormat, isArrayMode: boolean) => ResultDescription;

/** By length of the body: this many are remembered, those that are not longer. */
const maxRemembered = 16;
const maxRememberedBytes = 4_096;

export function createDescribeResult(): DescribeResult {
  const remembered: Remembered[] = [];
  return (body, format, isArrayMode) => {
    const slot = body.length % maxRemembered;
    const known = remembered[slot];
    if (known !== undefined && isOf(known, body, format, isArrayMode)) return known.description;
    const description = describe(body, format, isArrayMode);
    // Of what is not known now, more may be known the next time.
    if (description.unknownTypes.length === 0 && body.length <= maxRememberedBytes) {
      const { isRaw, catalogue } = format;
      remembered[slot] = { body: body.slice(), isRaw, catalogue, isArrayMode, description };
    }
    return description;
  };
}

interface Remembered extends ResultFormat {
  readonly body: Uint8Array;
  readonly isArrayMode: boolean;
  readonly description: ResultDescription;
}

function isOf(known: Remembered, body: Uint8Array, { isRaw, catalogue }: ResultFormat, isArrayMode: boolean): boolean {
  if (known.isRaw !== isRaw || known.catalogue !== catalogue || known.isArrayMode !== isArrayMode) return false;
  if (known.body.length !== body.length) return false;
  for (let at = 0; at < body.length; at++) if (body[at] !== known.body[at]) return false;
  return true;
}

const fragments = {
  fields: createFragment('{"fields":['),
  name: createFragment('{"name":'),
  dataTypeID: createFragment(',"dataTypeID":'),
  tableID: createFragment(',"tableID":'),
  columnID: createFragment(',"columnID":'),
  dataTypeSize: createFragment(',"dataTypeSize":'),
  dataTypeModifier: createFragment(',"dataTypeModifier":'),
  format: createFragment(',"format":"text"}'),
  rows: createFragment('],"rows":['),
};
const byteOf = { comma: 0x2c, colon: 0x3a, openBracket: 0x5b, openBrace: 0x7b };

/** Of a statement without columns, which has no RowDescription. */
export const noResult: ResultDescription = {
  start: new TextEncoder().encode('{"fields":[],"rows":['),
  columns: [],
  unknownTypes: [],
};

function describe(body: Uint8Array, { isRaw, catalogue }: ResultFormat, isArrayMode: boolean): ResultDescription {
  const writer = createJsonWriter({ maxBytes: Number.POSITIVE_INFINITY });
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const columns: Column[] = [];
  const unknownTypes: number[] = [];
  writer.fragment(fragments.fields);
  forEachField(body, (start, end) => {
    const isFirst = columns.length === 0;
    // Offsets count from the NUL behind the name.
    const typeOid = view.getUint32(end + 7);
    if (!isFirst) writer.byte(byteOf.comma);
    writer.fragment(fragments.name);
    writer.string(body, start, end);
    writer.fragment(fragments.dataTypeID);
    writer.integer(typeOid);
    writer.fragment(fragments.tableID);
    writer.integer(view.getUint32(end + 1));
    writer.fragment(fragments.columnID);
    writer.integer(view.getInt16(end + 5));
    writer.fragment(fragments.dataTypeSize);
    writer.integer(view.getInt16(end + 11));
    writer.fragment(fragments.dataTypeModifier);
    writer.integer(view.getInt32(end + 13));
    writer.fragment(fragments.format);
    const format = isRaw ? stringFormat : catalogue.format(typeOid);
    if (format === undefined) unknownTypes.push(typeOid);
    columns.push({
      format: format ?? stringFormat,
      prefix: createFragment(prefixOf(body.subarray(start, end), isArrayMode, isFirst)),
    });
  });
  writer.fragment(fragments.rows);
  return { start: writer.finish(), columns, unknownTypes };
}

function prefixOf(name: Uint8Array, isArrayMode: boolean, isFirst: boolean): Uint8Array {
  if (isArrayMode) return Uint8Array.of(isFirst ? byteOf.openBracket : byteOf.comma);
  // Duplicate names give duplicate keys, as at Neon; JSON.parse keeps the last.
  const writer: JsonWriter = createJsonWriter({ maxBytes: Number.POSITIVE_INFINITY, initialBytes: name.length + 4 });
  writer.byte(isFirst ? byteOf.openBrace : byteOf.comma);
  writer.string(name, 0, name.length);
  writer.byte(byteOf.colon);
  return writer.finish();
}

/** Bytes of a RowDescription entry behind its name: Int32 table, Int16 column, Int32 type, Int16 size, Int32 modifier, Int16 format. */
const fieldBytes = 18;

/** Calls `visit` with the bounds of each name; the fixed part begins one byte behind `nameEnd`. */
function forEachField(body: Uint8Array, visit: (nameStart: number, nameEnd: number) => void): void {
  const count = body.length < 2 ? -1 : (body[0]! << 8) | body[1]!;
  let at = 2;
  let index = 0;
  for (; index < count; index++) {
    const nameEnd = body.indexOf(0, at);
    if (nameEnd < 0 || nameEnd + 1 + fieldBytes > body.length) break;
    visit(at, nameEnd);
    at = nameEnd + 1 + fieldBytes;
  }
  if (index !== count || at !== body.length) throw new ProtocolError('malformed RowDescription message');
}
