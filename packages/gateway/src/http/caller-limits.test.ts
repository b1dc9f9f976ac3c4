// What the plan of a key allows, on `/sql`.

import { createFakeClock } from '@postern/testkit';
import { describe, expect, test, vi } from 'vitest';
import type { CallerLimits } from './caller-limits.ts';
import {
  commandMessages,
  createScriptedBackend,
  ready,
  resultMessages,
  type Script,
} from './scripted-backend.fixture.ts';
import { callSql, createTestSqlHandler, rawArrays } from './sql-client.fixture.ts';

const oneRow = [...resultMessages([['n', 23]], [['1']]), ready];

function setUp(script: Script, change: Partial<CallerLimits> = {}) {
  const clock = createFakeClock();
  const limits: CallerLimits = {
    maxResponseBytes: 1_000_000,
    requestTimeoutMs: 10_000,
    transactionTimeoutMs: 15_000,
    takeRequest: () => 0,
    ...change,
  };
  const authenticate = async () => ({ databaseKey: 'd', callerKey: 'd/u', limits });
  const backend = createScriptedBackend({ authenticate, ...script });
  const handler = createTestSqlHandler({ backend, clock });
  return { clock, backend, call: (request?: Parameters<typeof callSql>[1]) => callSql(handler, request) };
}

const inTransaction = (transaction: string) => ({ headers: { ...rawArrays, 'postern-transaction': transaction } });

describe('the plan of a key', () => {
  test('limits a response', async () => {
    const { call } = setUp(
      { answers: [[...resultMessages([['t', 25]], [['x'.repeat(1_000)]]), ready]] },
      { maxResponseBytes: 1_000 },
    );
    const { status, json } = await call();
    expect(status).toBe(507);
    expect(json.message).toMatch(/^response is too large \(max is 1000 bytes\)/);
  });

  test('limits the time of a request, and of none that is answered', async () => {
    const { call, clock, backend } = setUp({ answers: [oneRow, undefined] });
    expect((await call()).status).toBe(200);
    expect(backend.closed).toBe(1);
    expect(clock.pendingTimers).toBe(0);
    const reply = call();
    await vi.waitFor(() => expect(backend.segments).toHaveLength(2));
    clock.advance(9_999);
    expect(backend.closed).toBe(1);
    clock.advance(1);
    const { json } = await reply;
    expect(json).toMatchObject({ code: '57014', gatewayCode: 'query_cancelled' });
    expect(json.message).toMatch(/^the request took longer than 10 s, the limit of this key's plan, and was cancelled/);
    await vi.waitFor(() => expect(backend.closed).toBe(2));
  });

  test('limits a transaction, and the wait for a turn in it', async () => {
    const { call, clock, backend } = setUp({
      answers: [[...commandMessages('BEGIN'), ...oneRow.slice(0, -1)], undefined],
    });
    const first = call(inTransaction('begin'));
    await vi.waitFor(() => expect(backend.segments).toHaveLength(1));
    clock.advance(9_999);
    // Answered in time, but for its last message.
    backend.stream?.write(Uint8Array.of(0x5a, 0, 0, 0, 5, 0x54));
    const token = (await first).headers['postern-transaction']!;
    const running = call(inTransaction(token));
    await vi.waitFor(() => expect(backend.segments).toHaveLength(2));
    clock.advance(5_001);
    expect((await running).json).toMatchObject({ gatewayCode: 'transaction_expired' });
  });

  test('limits requests per second', async () => {
    const { call, backend } = setUp({ answers: [oneRow] }, { takeRequest: async () => 1_200 });
    expect((await call()).json).toMatchObject({
      ...{ code: '53400', gatewayCode: 'rate_limited', safeToRetry: true, hint: 'Try again in 2 s.' },
    });
    expect(backend.sessions).toEqual([]);
  });
});
