/** The client's half of SASL. Same type byte as PasswordMessage: only the state of the log-in tells them apart. */
import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString, writeInt32 } from '../bytes/body-writer.ts';
import { FrontendCode } from '../message-codes.ts';

export interface SaslInitialResponse {
  readonly mechanism: string;
  /** A view into the body; null when the client sent none. */
  readonly data: Uint8Array | null;
}

export function encodeSaslInitialResponse(mechanism: string, data: Uint8Array | null): Uint8Array {
  const bytes = startMessage(FrontendCode.PasswordMessage, cStringLength(mechanism) + 4 + (data?.length ?? 0));
  const at = writeCString(bytes, headerBytes, mechanism);
  writeInt32(bytes, at, data === null ? -1 : data.length);
  if (data !== null) bytes.set(data, at + 4);
  return bytes;
}

export function decodeSaslInitialResponse(body: Uint8Array): SaslInitialResponse {
  const reader = new BodyReader(body, 'SASLInitialResponse');
  const mechanism = reader.cString();
  const data = reader.value();
  reader.end();
  return { mechanism, data };
}

/** The body is `data` and nothing else, so there is no decoder. */
export function encodeSaslResponse(data: Uint8Array): Uint8Array {
  const bytes = startMessage(FrontendCode.PasswordMessage, data.length);
  bytes.set(data, headerBytes);
  return bytes;
}
