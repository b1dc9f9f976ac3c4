import { BodyReader } from '../bytes/body-reader.ts';
import {
  cStringLength,
  headerBytes,
  int32sLength,
  startMessage,
  writeCString,
  writeInt32s,
} from '../bytes/body-writer.ts';
import { FrontendCode } from '../message-codes.ts';

export interface ParseMessage {
  /** Name of the prepared statement; '' is the unnamed one. */
  readonly name: string;
  readonly text: string;
  /** OIDs for the first parameters; 0 or a missing entry lets Postgres infer the type. */
  readonly parameterTypes: number[];
}

export function encodeParse(name: string, text: string, parameterTypes: readonly number[] = []): Uint8Array {
  const bytes = startMessage(
    FrontendCode.Parse,
    cStringLength(name) + cStringLength(text) + int32sLength(parameterTypes, 'parameter types'),
  );
  let at = writeCString(bytes, headerBytes, name);
  at = writeCString(bytes, at, text);
  writeInt32s(bytes, at, parameterTypes);
  return bytes;
}

export function decodeParse(body: Uint8Array): ParseMessage {
  const reader = new BodyReader(body, 'Parse');
  const name = reader.cString();
  const text = reader.cString();
  const parameterTypes = reader.uint32s();
  reader.end();
  return { name, text, parameterTypes };
}
