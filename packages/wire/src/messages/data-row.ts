import { BodyReader } from '../bytes/body-reader.ts';
import { headerBytes, startMessage, valuesLength, type WireValue, writeValues } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';

export function encodeDataRow(values: readonly WireValue[]): Uint8Array {
  const bytes = startMessage(BackendCode.DataRow, valuesLength(values, 'columns'));
  writeValues(bytes, headerBytes, values);
  return bytes;
}

/** One entry per column, null for SQL NULL. Views into the body: copy what must outlive it. */
export function decodeDataRow(body: Uint8Array): (Uint8Array | null)[] {
  const reader = new BodyReader(body, 'DataRow');
  const values = reader.values();
  reader.end();
  return values;
}
