/** Describe and Close: both name a prepared statement ('S') or a portal ('P'). */
import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString } from '../bytes/body-writer.ts';
import { FrontendCode } from '../message-codes.ts';

export interface ObjectReference {
  /** 'S' prepared statement, 'P' portal. */
  readonly kind: 'S' | 'P';
  /** '' is the unnamed one. */
  readonly name: string;
}

export function encodeDescribe(kind: 'S' | 'P', name: string): Uint8Array {
  return encodeReference(FrontendCode.Describe, kind, name);
}

export function encodeClose(kind: 'S' | 'P', name: string): Uint8Array {
  return encodeReference(FrontendCode.Close, kind, name);
}

export function decodeDescribe(body: Uint8Array): ObjectReference {
  return decodeReference(body, 'Describe');
}

export function decodeClose(body: Uint8Array): ObjectReference {
  return decodeReference(body, 'Close');
}

const statementKind = 0x53; // S
const portalKind = 0x50; // P

function encodeReference(code: number, kind: 'S' | 'P', name: string): Uint8Array {
  const bytes = startMessage(code, 1 + cStringLength(name));
  bytes[headerBytes] = kind === 'S' ? statementKind : portalKind;
  writeCString(bytes, headerBytes + 1, name);
  return bytes;
}

function decodeReference(body: Uint8Array, message: string): ObjectReference {
  const reader = new BodyReader(body, message);
  const kind = reader.byte();
  if (kind !== statementKind && kind !== portalKind) reader.fail(`subtype ${kind} is neither statement nor portal`);
  const name = reader.cString();
  reader.end();
  return { kind: kind === statementKind ? 'S' : 'P', name };
}
