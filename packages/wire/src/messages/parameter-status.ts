import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';

export interface ParameterStatus {
  readonly name: string;
  readonly value: string;
}

export function encodeParameterStatus(name: string, value: string): Uint8Array {
  const bytes = startMessage(BackendCode.ParameterStatus, cStringLength(name) + cStringLength(value));
  writeCString(bytes, writeCString(bytes, headerBytes, name), value);
  return bytes;
}

export function decodeParameterStatus(body: Uint8Array): ParameterStatus {
  const reader = new BodyReader(body, 'ParameterStatus');
  const name = reader.cString();
  const value = reader.cString();
  reader.end();
  return { name, value };
}
