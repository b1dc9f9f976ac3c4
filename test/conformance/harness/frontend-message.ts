/**
 * What a caller can send, as bytes: every frontend message of protocol 3, and the wrong ones too.
 *
 * Deliberately not built on `@postern/wire`: the judge must not share a codec with what it judges.
 */

const TEXT = new TextEncoder();

/** A parameter or row value: text, raw bytes, or NULL. */
export type WireValue = string | Uint8Array | null;

/** Joins byte strings, UTF-8 text and numbers (as bytes) into one. */
export function bytes(...parts: (Uint8Array | string | number)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Uint8Array.of(part) : typeof part === 'string' ? TEXT.encode(part) : part,
    ),
  );
}

/** Big-endian 16 bits. */
export function int16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
}

/** Big-endian 32 bits. */
export function int32(value: number): Uint8Array {
  return Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** UTF-8 text with its terminating NUL. */
export function cstring(text: string): Uint8Array {
  return bytes(text, 0);
}

/** Any typed message; `declaredLength` overrides the length field to lie about it. */
export function message(type: string, body: Uint8Array = new Uint8Array(), declaredLength?: number): Uint8Array {
  return bytes(type, int32(declaredLength ?? body.length + 4), body);
}

function value(content: WireValue): Uint8Array {
  if (content === null) return int32(-1);
  const encoded = typeof content === 'string' ? TEXT.encode(content) : content;
  return bytes(int32(encoded.length), encoded);
}

/** Query ('Q'). */
export function query(sql: string): Uint8Array {
  return message('Q', cstring(sql));
}

/** Parse ('P'). */
export function parse(statement: string, sql: string, typeOids: readonly number[] = []): Uint8Array {
  return message('P', bytes(cstring(statement), cstring(sql), int16(typeOids.length), ...typeOids.map(int32)));
}

/** The parts of a Bind; everything has the default of "unnamed, no parameters, text". */
export interface BindFields {
  portal?: string;
  statement?: string;
  values?: readonly WireValue[];
  parameterFormats?: readonly number[];
  resultFormats?: readonly number[];
}

/** Bind ('B'). */
export function bind(fields: BindFields = {}): Uint8Array {
  const { portal = '', statement = '', values = [], parameterFormats = [], resultFormats = [] } = fields;
  return message(
    'B',
    bytes(
      cstring(portal),
      cstring(statement),
      int16(parameterFormats.length),
      ...parameterFormats.map(int16),
      int16(values.length),
      ...values.map(value),
      int16(resultFormats.length),
      ...resultFormats.map(int16),
    ),
  );
}

/** Describe of a statement ('D' 'S'). */
export function describeStatement(name = ''): Uint8Array {
  return message('D', bytes('S', cstring(name)));
}

/** Describe of a portal ('D' 'P'). */
export function describePortal(name = ''): Uint8Array {
  return message('D', bytes('P', cstring(name)));
}

/** Close of a statement ('C' 'S'). */
export function closeStatement(name = ''): Uint8Array {
  return message('C', bytes('S', cstring(name)));
}

/** Close of a portal ('C' 'P'). */
export function closePortal(name = ''): Uint8Array {
  return message('C', bytes('P', cstring(name)));
}

/** Execute ('E'); `maxRows` 0 means all. */
export function execute(portal = '', maxRows = 0): Uint8Array {
  return message('E', bytes(cstring(portal), int32(maxRows)));
}

/** Sync ('S'). */
export function sync(): Uint8Array {
  return message('S');
}

/** Flush ('H'). */
export function flush(): Uint8Array {
  return message('H');
}

/** Terminate ('X'). */
export function terminate(): Uint8Array {
  return message('X');
}

/** CopyData ('d'). */
export function copyData(content: string | Uint8Array): Uint8Array {
  return message('d', bytes(content));
}

/** CopyDone ('c'). */
export function copyDone(): Uint8Array {
  return message('c');
}

/** CopyFail ('f'). */
export function copyFail(reason: string): Uint8Array {
  return message('f', cstring(reason));
}

/** FunctionCall ('F') with text arguments and a text result. */
export function functionCall(oid: number, args: readonly WireValue[]): Uint8Array {
  return message('F', bytes(int32(oid), int16(0), int16(args.length), ...args.map(value), int16(0)));
}

/** PasswordMessage ('p') with a cleartext password. */
export function password(secret: string): Uint8Array {
  return message('p', cstring(secret));
}

/** `3.0` as the start-up packet writes it. */
export const PROTOCOL_3_0: number = 3 << 16;
/** `3.2`: cancel keys of up to 256 bytes. */
export const PROTOCOL_3_2: number = (3 << 16) | 2;

/** StartupMessage. */
export function startup(parameters: Readonly<Record<string, string>>, version: number = PROTOCOL_3_0): Uint8Array {
  const pairs = Object.entries(parameters).flatMap(([name, setting]) => [cstring(name), cstring(setting)]);
  const body = bytes(int32(version), ...pairs, 0);
  return bytes(int32(body.length + 4), body);
}

/** SSLRequest. */
export function sslRequest(): Uint8Array {
  return bytes(int32(8), int32(80877103));
}

/** GSSENCRequest. */
export function gssEncRequest(): Uint8Array {
  return bytes(int32(8), int32(80877104));
}

/** CancelRequest; a key of more than four bytes belongs to protocol 3.2. */
export function cancelRequest(processId: number, secretKey: Uint8Array): Uint8Array {
  return bytes(int32(12 + secretKey.length), int32(80877102), int32(processId), secretKey);
}

/** Parse, Bind, Describe, Execute of one unnamed statement: the usual segment without its Sync. */
export function extended(sql: string, values: readonly WireValue[] = []): Uint8Array {
  return bytes(parse('', sql), bind({ values }), describePortal(), execute());
}
