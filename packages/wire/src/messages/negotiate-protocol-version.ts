import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString, writeInt32 } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';
import { protocolMajor } from './startup-packets.ts';

export interface NegotiateProtocolVersion {
  /** The newest protocol the server speaks is 3.`minor`. */
  readonly minor: number;
  /** The `_pq_.` options of the StartupMessage that the server does not know. */
  readonly unknownOptions: readonly string[];
}

/** Sent at most once, before authentication, when a client asks for more than the server has. */
export function encodeNegotiateProtocolVersion(minor: number, unknownOptions: readonly string[]): Uint8Array {
  let length = 8;
  for (const option of unknownOptions) length += cStringLength(option);
  const bytes = startMessage(BackendCode.NegotiateProtocolVersion, length);
  // The manual says "minor version", Postgres sends and libpq wants the whole number, major included.
  let at = writeInt32(bytes, headerBytes, (protocolMajor << 16) | minor);
  at = writeInt32(bytes, at, unknownOptions.length);
  for (const option of unknownOptions) at = writeCString(bytes, at, option);
  return bytes;
}

export function decodeNegotiateProtocolVersion(body: Uint8Array): NegotiateProtocolVersion {
  const reader = new BodyReader(body, 'NegotiateProtocolVersion');
  const version = reader.uint32();
  const major = version >>> 16;
  // Major 0: a server that took the manual at its word.
  if (major !== protocolMajor && major !== 0) reader.fail(`protocol ${major}.${version & 0xffff} is not 3.x`);
  const count = reader.uint32();
  if (count > reader.remaining) reader.fail(`${count} options announced, ${reader.remaining} bytes left`);
  const unknownOptions: string[] = [];
  for (let index = 0; index < count; index++) unknownOptions.push(reader.cString());
  reader.end();
  return { minor: version & 0xffff, unknownOptions };
}
