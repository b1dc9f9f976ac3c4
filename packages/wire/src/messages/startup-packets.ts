/**
 * The packets that may open a connection. They have no type byte: Int32 length, Int32 code, content.
 * Decoding them is `createStartupDecoder`.
 */
import { cStringLength, writeCString, writeInt32 } from '../bytes/body-writer.ts';
import { ProtocolError } from '../protocol-error.ts';

/** The second Int32 of the packets that are not a StartupMessage (src/include/libpq/pqcomm.h). */
export const StartupCode = {
  CancelRequest: 80877102,
  SslRequest: 80877103,
  GssencRequest: 80877104,
} as const;

/** The protocol we speak: 3.0 … 3.2. */
export const protocolMajor = 3;
export const latestProtocolMinor = 2;

/** Cancel keys: four bytes in protocol 3.0, up to 256 in 3.2. */
export const minSecretKeyBytes = 4;
export const maxSecretKeyBytes = 256;

export interface StartupMessage {
  /** Protocol 3.`minor`; default 0, which every server understands. */
  readonly minor?: number;
  /** Names and values. Postgres wants at least `user`. */
  readonly parameters: Iterable<readonly [string, string]>;
}

export function encodeStartupMessage(message: StartupMessage): Uint8Array {
  const parameters = [...message.parameters];
  let length = 9;
  for (const [name, value] of parameters) {
    if (name === '') throw new ProtocolError('a start-up parameter needs a name', { side: 'local' });
    length += cStringLength(name) + cStringLength(value);
  }
  const bytes = new Uint8Array(length);
  let at = writeInt32(bytes, 0, length);
  at = writeInt32(bytes, at, (protocolMajor << 16) | (message.minor ?? 0));
  for (const [name, value] of parameters) {
    at = writeCString(bytes, at, name);
    at = writeCString(bytes, at, value);
  }
  return bytes; // the last byte, the terminator, is already zero
}

export function encodeSslRequest(): Uint8Array {
  return encodeRequest(StartupCode.SslRequest);
}

export function encodeGssencRequest(): Uint8Array {
  return encodeRequest(StartupCode.GssencRequest);
}

/** `processId` and `secretKey` as BackendKeyData gave them. */
export function encodeCancelRequest(processId: number, secretKey: Uint8Array): Uint8Array {
  checkSecretKey(secretKey);
  const bytes = new Uint8Array(12 + secretKey.length);
  writeInt32(bytes, 0, bytes.length);
  writeInt32(bytes, 4, StartupCode.CancelRequest);
  writeInt32(bytes, 8, processId);
  bytes.set(secretKey, 12);
  return bytes;
}

/** Throws when a key of ours has a length no peer accepts. */
export function checkSecretKey(secretKey: Uint8Array): void {
  if (secretKey.length < minSecretKeyBytes || secretKey.length > maxSecretKeyBytes) {
    throw new ProtocolError(`a cancel key has 4 to 256 bytes, not ${secretKey.length}`, { side: 'local' });
  }
}

function encodeRequest(code: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeInt32(bytes, 0, 8);
  writeInt32(bytes, 4, code);
  return bytes;
}
