/** Authentication (R): what the server asks of a client that wants in. */
import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString, writeInt32 } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';
import { ProtocolError } from '../protocol-error.ts';

export type Authentication =
  | { readonly kind: 'ok' }
  | { readonly kind: 'cleartext' }
  /** Four bytes; see `md5Password`. */
  | { readonly kind: 'md5'; readonly salt: Uint8Array }
  /** In the server's order of preference. */
  | { readonly kind: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'sasl-continue'; readonly data: Uint8Array }
  | { readonly kind: 'sasl-final'; readonly data: Uint8Array }
  /** Kerberos, GSSAPI, SSPI, … `method` is the number on the wire. */
  | { readonly kind: 'unsupported'; readonly method: number };

const Method = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

export function encodeAuthenticationOk(): Uint8Array {
  return encodeMethod(Method.ok, noBytes);
}

export function encodeAuthenticationCleartextPassword(): Uint8Array {
  return encodeMethod(Method.cleartext, noBytes);
}

/** `salt` has four bytes. */
export function encodeAuthenticationMd5Password(salt: Uint8Array): Uint8Array {
  if (salt.length !== 4) throw new ProtocolError(`an MD5 salt has 4 bytes, not ${salt.length}`, { side: 'local' });
  return encodeMethod(Method.md5, salt);
}

export function encodeAuthenticationSasl(mechanisms: readonly string[]): Uint8Array {
  let length = 5;
  for (const mechanism of mechanisms) length += cStringLength(mechanism);
  const bytes = startMessage(BackendCode.Authentication, length);
  let at = writeInt32(bytes, headerBytes, Method.sasl);
  for (const mechanism of mechanisms) at = writeCString(bytes, at, mechanism);
  return bytes; // the last byte, the terminator, is already zero
}

export function encodeAuthenticationSaslContinue(data: Uint8Array): Uint8Array {
  return encodeMethod(Method.saslContinue, data);
}

export function encodeAuthenticationSaslFinal(data: Uint8Array): Uint8Array {
  return encodeMethod(Method.saslFinal, data);
}

/** Byte arrays in the result are views into the body. */
export function decodeAuthentication(body: Uint8Array): Authentication {
  const reader = new BodyReader(body, 'Authentication');
  const authentication = readMethod(reader);
  reader.end();
  return authentication;
}

const noBytes = new Uint8Array(0);

function encodeMethod(method: number, data: Uint8Array): Uint8Array {
  const bytes = startMessage(BackendCode.Authentication, 4 + data.length);
  bytes.set(data, writeInt32(bytes, headerBytes, method));
  return bytes;
}

function readMethod(reader: BodyReader): Authentication {
  const method = reader.int32();
  switch (method) {
    case Method.ok:
      return { kind: 'ok' };
    case Method.cleartext:
      return { kind: 'cleartext' };
    case Method.md5:
      return { kind: 'md5', salt: reader.bytes(4) };
    case Method.sasl:
      return { kind: 'sasl', mechanisms: readMechanisms(reader) };
    case Method.saslContinue:
      return { kind: 'sasl-continue', data: reader.rest() };
    case Method.saslFinal:
      return { kind: 'sasl-final', data: reader.rest() };
    default:
      reader.rest();
      return { kind: 'unsupported', method };
  }
}

/** A list of texts that an empty one ends. */
function readMechanisms(reader: BodyReader): string[] {
  const mechanisms: string[] = [];
  for (;;) {
    const mechanism = reader.cString();
    if (mechanism === '') return mechanisms;
    mechanisms.push(mechanism);
  }
}
