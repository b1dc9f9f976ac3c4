import { BodyReader } from '../bytes/body-reader.ts';
import { headerBytes, startMessage, writeInt32 } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';
import { checkSecretKey, maxSecretKeyBytes, minSecretKeyBytes } from './startup-packets.ts';

export interface BackendKeyData {
  /** A signed 32-bit number; negative ones are valid for a pooler's virtual backends. */
  readonly processId: number;
  /** A view into the body. 4 bytes in protocol 3.0, 4 to 256 in 3.2. */
  readonly secretKey: Uint8Array;
}

export function encodeBackendKeyData(processId: number, secretKey: Uint8Array): Uint8Array {
  checkSecretKey(secretKey);
  const bytes = startMessage(BackendCode.BackendKeyData, 4 + secretKey.length);
  bytes.set(secretKey, writeInt32(bytes, headerBytes, processId));
  return bytes;
}

export function decodeBackendKeyData(body: Uint8Array): BackendKeyData {
  const reader = new BodyReader(body, 'BackendKeyData');
  const processId = reader.int32();
  const secretKey = reader.rest();
  if (secretKey.length < minSecretKeyBytes || secretKey.length > maxSecretKeyBytes) {
    reader.fail(`a cancel key has 4 to 256 bytes, not ${secretKey.length}`);
  }
  return { processId, secretKey };
}
