/**
 * The few writes every encoder is made of. An encoder first adds up its length, takes one array from `startMessage` and
 * fills it; each write returns the position behind what it wrote. Big-endian, as everything in the protocol.
 */
import { ProtocolError } from '../protocol-error.ts';
import { textByteLength, writeText } from './text.ts';

/** Bytes in front of a message body: type byte and length. */
export const headerBytes = 5;

/** A value whose length travels in front of it: text is written as UTF-8, null has no bytes. */
export type WireValue = Uint8Array | string | null;

/** The lengths of texts and values, added up once and used again when writing. */
export function startMessage(code: number, bodyLength: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes + bodyLength);
  bytes[0] = code;
  writeInt32(bytes, 1, bodyLength + 4);
  return bytes;
}

export function writeInt16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
  return at + 2;
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}

/** Length of `text` and its terminator. Throws for a text with a NUL in it, which would end there on the other side. */
export function cStringLength(text: string): number {
  if (text.includes('\0')) {
    throw new ProtocolError('text with a zero byte (U+0000) cannot be sent to Postgres', {
      side: 'local',
      code: '22021',
    });
  }
  return textByteLength(text) + 1;
}

/** Writes a text that `cStringLength` has accepted. */
export function writeCString(bytes: Uint8Array, at: number, text: string): number {
  const end = writeText(bytes, at, text);
  bytes[end] = 0;
  return end + 1;
}

/** Length of an Int16 count and that many values with their Int32 lengths. */
export function valuesLength(values: readonly WireValue[], what: string): number {
  let length = 2 + 4 * countOf(values, what);
  for (const value of values) {
    if (typeof value === 'string') length += textByteLength(value);
    else if (value !== null) length += value.length;
  }
  return length;
}

export function writeValues(bytes: Uint8Array, at: number, values: readonly WireValue[]): number {
  let next = writeInt16(bytes, at, values.length);
  for (const value of values) {
    if (value === null) {
      next = writeInt32(bytes, next, -1);
    } else if (typeof value === 'string') {
      const end = writeText(bytes, next + 4, value);
      writeInt32(bytes, next, end - next - 4);
      next = end;
    } else {
      next = writeInt32(bytes, next, value.length);
      bytes.set(value, next);
      next += value.length;
    }
  }
  return next;
}

/** Length of an Int16 count and that many Int16s. */
export function int16sLength(values: readonly number[], what: string): number {
  return 2 + 2 * countOf(values, what);
}

export function writeInt16s(bytes: Uint8Array, at: number, values: readonly number[]): number {
  let next = writeInt16(bytes, at, values.length);
  for (const value of values) next = writeInt16(bytes, next, value);
  return next;
}

/** Length of an Int16 count and that many Int32s. */
export function int32sLength(values: readonly number[], what: string): number {
  return 2 + 4 * countOf(values, what);
}

export function writeInt32s(bytes: Uint8Array, at: number, values: readonly number[]): number {
  let next = writeInt16(bytes, at, values.length);
  for (const value of values) next = writeInt32(bytes, next, value);
  return next;
}

/** The length, checked to fit the unsigned 16-bit count the protocol has for it. */
export function countOf(values: { readonly length: number }, what: string): number {
  if (values.length > 0xffff) {
    throw new ProtocolError(`${values.length} ${what} are too many: a message holds at most 65535`, {
      side: 'local',
      code: '54000',
    });
  }
  return values.length;
}
