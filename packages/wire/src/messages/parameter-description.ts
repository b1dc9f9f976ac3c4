import { BodyReader } from '../bytes/body-reader.ts';
import { headerBytes, int32sLength, startMessage, writeInt32s } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';

export function encodeParameterDescription(oids: readonly number[]): Uint8Array {
  const bytes = startMessage(BackendCode.ParameterDescription, int32sLength(oids, 'parameters'));
  writeInt32s(bytes, headerBytes, oids);
  return bytes;
}

/** Type OIDs of the parameters of a prepared statement. */
export function decodeParameterDescription(body: Uint8Array): number[] {
  const reader = new BodyReader(body, 'ParameterDescription');
  const oids = reader.uint32s();
  reader.end();
  return oids;
}
