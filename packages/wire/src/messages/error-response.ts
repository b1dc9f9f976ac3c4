/** ErrorResponse and NoticeResponse: the same fields under two type bytes. */
import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';
import { ProtocolError } from '../protocol-error.ts';

/** Manual, "Error and Notice Message Fields". All are text on the wire, numbers included. */
export interface ErrorFields {
  /** ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG, or a translation of one of these. */
  readonly severity: string;
  /** The same, never translated. */
  readonly severityNonLocalized?: string | undefined;
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** Index into the query text, in characters, from 1. */
  readonly position?: string | undefined;
  /** As `position`, but into `internalQuery`. */
  readonly internalPosition?: string | undefined;
  readonly internalQuery?: string | undefined;
  readonly where?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
  /** Where in Postgres' source it was raised. */
  readonly file?: string | undefined;
  readonly line?: string | undefined;
  readonly routine?: string | undefined;
}

/** In the order Postgres sends them (src/backend/utils/error/elog.c, send_message_to_frontend). */
const fieldCodes: readonly (readonly [keyof ErrorFields, number])[] = [
  ['severity', 0x53], // S
  ['severityNonLocalized', 0x56], // V
  ['code', 0x43], // C
  ['message', 0x4d], // M
  ['detail', 0x44], // D
  ['hint', 0x48], // H
  ['where', 0x57], // W
  ['schema', 0x73], // s
  ['table', 0x74], // t
  ['column', 0x63], // c
  ['dataType', 0x64], // d
  ['constraint', 0x6e], // n
  ['position', 0x50], // P
  ['internalPosition', 0x70], // p
  ['internalQuery', 0x71], // q
  ['file', 0x46], // F
  ['line', 0x4c], // L
  ['routine', 0x52], // R
];

const fieldByCode: ReadonlyMap<number, keyof ErrorFields> = new Map(fieldCodes.map(([field, code]) => [code, field]));

/**
 * `severityNonLocalized` is always sent: it repeats `severity` when it is not given. Zero bytes in the texts, which often
 * quote what somebody sent, become U+FFFD: reporting an error must not fail.
 */
export function encodeErrorResponse(fields: ErrorFields): Uint8Array {
  return encodeFields(BackendCode.ErrorResponse, fields);
}

export function encodeNoticeResponse(fields: ErrorFields): Uint8Array {
  return encodeFields(BackendCode.NoticeResponse, fields);
}

/**
 * The fields of an ErrorResponse or NoticeResponse. Field codes nobody knows are dropped, as the manual asks. A sender
 * that leaves out what the manual calls always present gets ERROR, XX000 and an empty message rather than a second error.
 */
export function decodeErrorFields(body: Uint8Array): ErrorFields {
  const reader = new BodyReader(body, 'ErrorResponse');
  const fields: { -readonly [Field in keyof ErrorFields]: ErrorFields[Field] } = {
    severity: 'ERROR',
    code: 'XX000',
    message: '',
  };
  for (;;) {
    const code = reader.byte();
    if (code === 0) break;
    const field = fieldByCode.get(code);
    const value = reader.cString();
    if (field !== undefined) fields[field] = value;
  }
  reader.end();
  return fields;
}

function encodeFields(code: number, fields: ErrorFields): Uint8Array {
  if (fields.code.length !== 5) {
    throw new ProtocolError(`a SQLSTATE has five characters, not ${fields.code.length}`, { side: 'local' });
  }
  const entries: [number, string][] = [];
  let length = 1;
  for (const [field, fieldCode] of fieldCodes) {
    const value = fields[field] ?? (field === 'severityNonLocalized' ? fields.severity : undefined);
    if (value === undefined) continue;
    const text = value.replaceAll('\0', '\ufffd');
    entries.push([fieldCode, text]);
    length += 1 + cStringLength(text);
  }
  const bytes = startMessage(code, length);
  let at = headerBytes;
  for (const [fieldCode, value] of entries) {
    bytes[at] = fieldCode;
    at = writeCString(bytes, at + 1, value);
  }
  return bytes; // the last byte, the terminator, is already zero
}
