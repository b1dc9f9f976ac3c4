import { expect, test } from 'vitest';
import { markTokenBytes, markTransactionId, readTransactionId, workerOfToken } from './worker-tokens.ts';

test('a token names its worker, whatever the rest of it is', () => {
  for (const worker of [1, 2, 63, 64, 127]) {
    for (const byte of [0, 0x5a, 0xff]) {
      const bytes = markTokenBytes(new Uint8Array(32).fill(byte), worker);
      expect(workerOfToken(Buffer.from(bytes).toString('base64url'))).toBe(worker);
    }
  }
  expect(workerOfToken('?')).not.toBe(1);
});

test('so does the id of a transaction made elsewhere', () => {
  expect(readTransactionId(markTransactionId('6f1e-4a', 12))).toEqual({ worker: 12, id: '6f1e-4a' });
  expect(readTransactionId('deadbeef-1')).toEqual({ worker: 0, id: 'deadbeef-1' });
});
