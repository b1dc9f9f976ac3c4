// What Postern adds to `/sql`, as seen by Postgres (what is sent, in how many pieces) and by callers (headers).

import { encodeErrorResponse, encodeReadyForQuery } from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { createHttpApp } from './app.ts';
import {
  commandMessages,
  createScriptedBackend,
  ready,
  resultMessages,
  type Script,
} from './scripted-backend.fixture.ts';
import { callSql, createTestSqlHandler } from './sql-client.fixture.ts';

const inTransaction = encodeReadyForQuery('T');
const row = resultMessages([['n', 23]], [['1']]);
const begin = { 'postern-transaction': 'begin' };

function setUp(script: Script) {
  const backend = createScriptedBackend(script);
  const handler = createTestSqlHandler({ backend });
  const call = (headers: Record<string, string>, body?: unknown) =>
    callSql(handler, { headers, ...(body === undefined ? {} : { body }) });
  return { backend, handler, call };
}

/** The command's own replies have no description. */
const plain = (tag: string): Uint8Array[] => commandMessages(tag).filter((_, index) => index !== 2);

describe('round trips', () => {
  test('BEGIN goes with the first statement, COMMIT with the last: two segments, one session', async () => {
    const { backend, call } = setUp({
      answers: [
        [...plain('BEGIN'), ...row, inTransaction],
        [...row, ...plain('COMMIT'), ready],
      ],
    });
    const first = await call({
      ...begin,
      'neon-batch-isolation-level': 'RepeatableRead',
      'neon-batch-read-only': 'true',
    });
    const token = first.headers['postern-transaction']!;
    expect(first.json.rows).toEqual([{ n: 1 }]);
    expect(backend.closed).toBe(0);
    const second = await call({ 'postern-transaction': token, 'postern-transaction-end': 'commit' });
    expect(second.json.rows).toEqual([{ n: 1 }]);
    expect(backend.segments).toEqual([
      {
        ...{ sql: ['BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY', 'select 1'], parameters: [[], []] },
        codes: 'PBEPBDES',
      },
      { sql: ['select 1', 'COMMIT'], parameters: [[], []], codes: 'PBDEPBES' },
    ]);
    expect(backend.sessions).toHaveLength(1);
    expect(backend.closed).toBe(1);
  });

  test('without a statement there is only the command', async () => {
    const { backend, call } = setUp({
      answers: [
        [...plain('BEGIN'), inTransaction],
        [...plain('ROLLBACK'), ready],
      ],
    });
    const { headers } = await call(begin, { queries: [] });
    const nothing = await call({ 'postern-transaction': headers['postern-transaction']! }, { queries: [] });
    expect(nothing.text).toBe('{"results":[]}');
    await call(
      { 'postern-transaction': headers['postern-transaction']!, 'postern-transaction-end': 'rollback' },
      { queries: [] },
    );
    expect(backend.segments.map(({ sql }) => sql)).toEqual([['BEGIN'], ['ROLLBACK']]);
  });

  test('a failed statement with an end costs the one that ends the transaction', async () => {
    const failure = encodeErrorResponse({ severity: 'ERROR', code: '22012', message: 'no' });
    const { backend, call } = setUp({
      answers: [
        [...plain('BEGIN'), ...row, inTransaction],
        [failure, encodeReadyForQuery('E')],
        [...plain('ROLLBACK'), ready],
      ],
    });
    const { headers } = await call(begin);
    const failed = await call({
      'postern-transaction': headers['postern-transaction']!,
      'postern-transaction-end': 'commit',
    });
    expect(failed.status).toBe(400);
    expect(backend.segments.at(-1)?.sql).toEqual(['ROLLBACK']);
    expect(backend.closed).toBe(1);
  });
});

describe('headers', () => {
  test('every response names the version; those of transactions their state', async () => {
    const { call } = setUp({
      answers: [
        [...row, ready],
        [...plain('BEGIN'), ...row, inTransaction],
      ],
    });
    const ordinary = await call({});
    expect(ordinary.headers['postern-version']).toBe('1');
    expect(Object.keys(ordinary.headers).filter((name) => name.startsWith('postern'))).toEqual(['postern-version']);
    const refused = await call({ 'neon-connection-string': 'nonsense' });
    expect(refused).toMatchObject({ status: 400, headers: { 'postern-version': '1' } });
    expect((await call(begin)).headers).toMatchObject({
      'postern-transaction': expect.any(String),
      'postern-transaction-state': 'open',
    });
  });

  test('a begin that never reached Postgres leaves nothing', async () => {
    const failure = encodeErrorResponse({ severity: 'ERROR', code: '53300', message: 'pool timeout' });
    const { call, backend } = setUp({ answers: [[failure, ready]] });
    const { status, headers, json } = await call(begin);
    expect(status).toBe(400);
    expect(json.safeToRetry).toBe(true);
    expect(headers['postern-transaction']).toBeUndefined();
    expect(headers['postern-transaction-state']).toBe('over');
    expect(backend.closed).toBe(1);
  });

  test('browsers may send and read them', async () => {
    const { handler } = setUp({ answers: [[...row, ready]] });
    const app = createHttpApp({ sql: handler });
    const preflight = await app.request('/sql', { method: 'OPTIONS' });
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(', ');
    expect(allowed).toEqual(
      expect.arrayContaining([
        'postern-stream',
        'postern-transaction',
        'postern-transaction-end',
        'postern-transaction-timeout',
      ]),
    );
    const response = await app.request('/sql', { method: 'POST', body: '{"query":"select 1"}' });
    const exposed = response.headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining(['postern-version', 'postern-transaction', 'postern-transaction-state']),
    );
  });
});

describe('a streamed response of the app', () => {
  const request = {
    method: 'POST',
    headers: { 'neon-connection-string': 'postgres://u:p@h/d', 'postern-stream': 'true' },
    body: '{"query":"select 1"}',
  };

  test('is a stream of lines', async () => {
    const { handler, backend } = setUp({ answers: [[...row, ready]] });
    const response = await createHttpApp({ sql: handler }).request('/sql', request);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.slice(1)).toEqual(['["1"]', '{"command":"SELECT","rowCount":1}']);
    expect(backend.closed).toBe(1);
  });

  test('ends the session when it is cancelled', async () => {
    const { handler, backend } = setUp({ answers: [row.slice(0, -1)] });
    const response = await createHttpApp({ sql: handler }).request('/sql', request);
    expect(backend.closed).toBe(0);
    await response.body?.cancel();
    await expect.poll(() => backend.closed).toBe(1);
  });
});
