// Prisma's arguments → the text Postgres reads. Types are left for Postgres to infer, so text is all it needs.

import { encodeArrayLiteral, encodeBytea, type ReadonlyArrayLiteral } from '@postern/wire';
import { formatDate, formatTime, formatTimestamp, formatTimestamptz } from './date-time.ts';

/** `ArgType` of @prisma/driver-adapter-utils. */
export interface ArgumentType {
  readonly scalarType: string;
  /** `TIMESTAMPTZ`, `DATE` …; of model queries only. */
  readonly dbType?: string | null | undefined;
  readonly arity: 'scalar' | 'list';
}

/** The text of one argument, null for NULL. Throws TypeError for what has no text (functions, symbols). */
export function encodeArgument(value: unknown, type: ArgumentType | undefined): string | null {
  if (value === null || value === undefined) return null;
  // Results are fed back as arguments, and bytes may have been read as a plain list of numbers.
  if (type?.scalarType === 'bytes' && type.arity === 'scalar' && isByteList(value)) {
    return encodeBytea(Uint8Array.from(value));
  }
  if (Array.isArray(value)) return encodeArrayLiteral(elementTexts(value, type));
  return encodeScalar(value, type);
}

function elementTexts(values: readonly unknown[], type: ArgumentType | undefined): ReadonlyArrayLiteral {
  return values.map((value) => {
    if (value === null || value === undefined) return null;
    if (type?.scalarType === 'bytes' && isByteList(value)) return encodeBytea(Uint8Array.from(value));
    return Array.isArray(value) ? elementTexts(value, type) : encodeScalar(value, type);
  });
}

function encodeScalar(value: unknown, type: ArgumentType | undefined): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value, type);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      break;
    default:
      throw new TypeError(`a ${typeof value} cannot be an argument of a statement`);
  }
  if (value instanceof Date) return encodeDate(value, type);
  if (value instanceof ArrayBuffer) return encodeBytea(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return encodeBytea(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  return isDecimal(value) ? value.toFixed() : JSON.stringify(value);
}

/** With the u flag a pair is one code point, so this finds halves of one only. */
const loneSurrogate = /[\ud800-\udfff]/gu;

function encodeString(text: string, type: ArgumentType | undefined): string {
  if (type?.scalarType === 'bytes') return encodeBytea(decodeBase64(text));
  // UTF-8 has nothing for them; U+FFFD is what every encoder makes of them (a text that was cut somewhere, say).
  if (type?.scalarType !== 'datetime') return text.replace(loneSurrogate, '\ufffd');
  const date = new Date(text);
  // `infinity`, or a time of day: Postgres knows better.
  return Number.isNaN(date.getTime()) ? text : encodeDate(date, type, microseconds.exec(text)?.[1]);
}

/**
 * Behind the milliseconds, of values as they are read: those are the keys of what belongs to them. From programs they come as
 * Dates have them, and Postgres would round what is more.
 */
const microseconds = /\.\d{3}(\d{1,3})\+00:00$/;

/**
 * Where the type is not known (raw queries) the offset is written too: Postgres ignores it for timestamp, date and time,
 * and for timestamptz it keeps the session's TimeZone from shifting the value.
 */
function encodeDate(date: Date, type: ArgumentType | undefined, microseconds?: string): string {
  switch (type?.dbType) {
    case 'DATE':
      return formatDate(date);
    case 'TIME':
      return formatTime(date, microseconds);
    case 'TIMETZ':
      return `${formatTime(date, microseconds)}+00`;
    case 'TIMESTAMP':
      return formatTimestamp(date, microseconds);
    default:
      return formatTimestamptz(date, microseconds);
  }
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function isByteList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isInteger(item) && item >= 0 && item <= 255);
}

/** Prisma's Decimal (decimal.js), known by what it can do: exponents would be read, but this is what the others send. */
function isDecimal(value: object | null): value is { toFixed(): string } {
  return value !== null && 'toFixed' in value && typeof value.toFixed === 'function' && 's' in value && 'e' in value;
}
