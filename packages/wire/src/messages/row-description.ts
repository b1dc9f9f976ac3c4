import { BodyReader } from '../bytes/body-reader.ts';
import {
  countOf,
  cStringLength,
  headerBytes,
  startMessage,
  writeCString,
  writeInt16,
  writeInt32,
} from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';

/** One column of a result. The names are node-postgres', which the drivers and the HTTP answer use too. */
export interface FieldDescription {
  readonly name: string;
  /** OID of the table the column comes from, else 0. */
  readonly tableID: number;
  /** Attribute number in that table, else 0. Negative for system columns. */
  readonly columnID: number;
  readonly dataTypeID: number;
  /** Bytes; negative for types of variable length. */
  readonly dataTypeSize: number;
  /** -1 when the type has none. */
  readonly dataTypeModifier: number;
  readonly format: 'text' | 'binary';
}

/** Name and type, and what differs from a computed text column of variable length. */
export type FieldDescriptionInput = Pick<FieldDescription, 'name' | 'dataTypeID'> & Partial<FieldDescription>;

/** Int32 table, Int16 column, Int32 type, Int16 size, Int32 modifier, Int16 format. */
const fixedBytes = 18;

export function encodeRowDescription(fields: readonly FieldDescriptionInput[]): Uint8Array {
  let length = 2 + fixedBytes * countOf(fields, 'columns');
  for (const field of fields) length += cStringLength(field.name);
  const bytes = startMessage(BackendCode.RowDescription, length);
  let at = writeInt16(bytes, headerBytes, fields.length);
  for (const field of fields) {
    at = writeCString(bytes, at, field.name);
    at = writeInt32(bytes, at, field.tableID ?? 0);
    at = writeInt16(bytes, at, field.columnID ?? 0);
    at = writeInt32(bytes, at, field.dataTypeID);
    at = writeInt16(bytes, at, field.dataTypeSize ?? -1);
    at = writeInt32(bytes, at, field.dataTypeModifier ?? -1);
    at = writeInt16(bytes, at, field.format === 'binary' ? 1 : 0);
  }
  return bytes;
}

export function decodeRowDescription(body: Uint8Array): FieldDescription[] {
  const reader = new BodyReader(body, 'RowDescription');
  const count = reader.uint16();
  const fields: FieldDescription[] = [];
  for (let index = 0; index < count; index++) {
    fields.push({
      name: reader.cString(),
      tableID: reader.uint32(),
      columnID: reader.int16(),
      dataTypeID: reader.uint32(),
      dataTypeSize: reader.int16(),
      dataTypeModifier: reader.int32(),
      format: readFormat(reader),
    });
  }
  reader.end();
  return fields;
}

function readFormat(reader: BodyReader): 'text' | 'binary' {
  const format = reader.uint16();
  if (format > 1) reader.fail(`format ${format} is neither text nor binary`);
  return format === 0 ? 'text' : 'binary';
}
