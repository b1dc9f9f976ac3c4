import { BodyReader } from '../bytes/body-reader.ts';
import { cStringLength, headerBytes, startMessage, writeCString, writeInt32 } from '../bytes/body-writer.ts';
import { FrontendCode } from '../message-codes.ts';

export interface ExecuteMessage {
  readonly portal: string;
  /** 0: all rows. A negative number also means all rows to Postgres. */
  readonly maxRows: number;
}

export function encodeExecute(portal = '', maxRows = 0): Uint8Array {
  const bytes = startMessage(FrontendCode.Execute, cStringLength(portal) + 4);
  const at = writeCString(bytes, headerBytes, portal);
  writeInt32(bytes, at, maxRows);
  return bytes;
}

export function decodeExecute(body: Uint8Array): ExecuteMessage {
  const reader = new BodyReader(body, 'Execute');
  const portal = reader.cString();
  const maxRows = reader.int32();
  reader.end();
  return { portal, maxRows };
}
