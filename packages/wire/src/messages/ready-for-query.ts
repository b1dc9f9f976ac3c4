import { BodyReader } from '../bytes/body-reader.ts';
import { headerBytes, startMessage } from '../bytes/body-writer.ts';
import { BackendCode } from '../message-codes.ts';

/** I: outside a transaction; T: in one; E: in one that has failed and only takes ROLLBACK. */
export type TransactionStatus = 'I' | 'T' | 'E';

const statusByCode: Readonly<Record<number, TransactionStatus>> = { 73: 'I', 84: 'T', 69: 'E' };

export function encodeReadyForQuery(status: TransactionStatus): Uint8Array {
  const bytes = startMessage(BackendCode.ReadyForQuery, 1);
  bytes[headerBytes] = status.charCodeAt(0);
  return bytes;
}

export function decodeReadyForQuery(body: Uint8Array): TransactionStatus {
  const reader = new BodyReader(body, 'ReadyForQuery');
  const code = reader.byte();
  reader.end();
  return statusByCode[code] ?? reader.fail(`transaction status ${code} is none of I, T, E`);
}
