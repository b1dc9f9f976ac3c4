import { expect, test } from 'vitest';
import { countTransactions } from './pgbench.ts';

test("counts what ended inside the window, in all threads' logs", () => {
  const logs = [
    '0 1 500 0 1700000000 100000\n1 1 1500 0 1700000000 999999\n',
    '2 1 2500 0 1700000001 500000\n2 2 9 0 17',
  ];
  expect(countTransactions(logs, 1_700_000_000_500, 1_700_000_001_501)).toEqual({
    operations: 2,
    bytes: 0,
    latency: { p50Ms: 2, p99Ms: expect.closeTo(2.49), maxMs: 2.5 },
  });
});
