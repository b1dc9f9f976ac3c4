import { describe, expect, test } from 'vitest';
import { createHttpApp } from './app.ts';
import { createScriptedBackend, ready, resultMessages } from './scripted-backend.fixture.ts';
import { createTestSqlHandler } from './sql-client.fixture.ts';
import type { SqlHandler } from './sql-handler.ts';

const oneRow = [...resultMessages([['n', 23]], [['1']]), ready];
const headers = { 'Neon-Connection-String': 'postgres://u:p@h/d', 'Neon-Array-Mode': 'true' };

function setUp(limits: { maxRequestBytes?: number } = {}) {
  const backend = createScriptedBackend({ answers: [oneRow, oneRow] });
  const app = createHttpApp({ sql: createTestSqlHandler({ backend, ...limits }) });
  return { backend, request: (path: string, init?: RequestInit) => app.request(path, init) };
}

describe('POST /sql', () => {
  test('answers', async () => {
    const { request } = setUp();
    const response = await request('/sql', { method: 'POST', headers, body: '{"query":"select 1"}' });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({ rows: [[1]] });
  });

  test('in a body of many chunks', async () => {
    const { request } = setUp();
    const bytes = new TextEncoder().encode('{"query":"select ä"}');
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const response = await request('/sql', { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    expect(response.status).toBe(200);
  });

  test('without a body', async () => {
    const { request } = setUp();
    const response = await request('/sql', { method: 'POST', headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      message: 'could not parse the HTTP request body: it is not valid JSON',
    });
  });

  test.each([
    ['declared', { 'content-length': '101' }],
    ['not declared', {}],
  ])('a body over the limit, its length %s', async (_, more) => {
    const { request } = setUp({ maxRequestBytes: 100 });
    const body = new Blob(['x'.repeat(101)]).stream();
    const response = await request('/sql', {
      method: 'POST',
      headers: { ...headers, ...more },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ message: 'request is too large (max is 100 bytes)', code: '54000' });
  });

  test('an aborted request ends its session', async () => {
    const backend = createScriptedBackend({ answers: [undefined] });
    const app = createHttpApp({ sql: createTestSqlHandler({ backend }) });
    const controller = new AbortController();
    const init = { method: 'POST', headers, body: '{"query":"select 1"}', signal: controller.signal };
    const response = app.request('/sql', init);
    while (backend.segments.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await response;
    expect(backend.closed).toBe(1);
  });
});

describe('browsers', () => {
  test('OPTIONS /sql allows every header the driver sends', async () => {
    const { request } = setUp();
    const response = await request('/sql', { method: 'OPTIONS' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      allow: 'OPTIONS, POST',
      'access-control-allow-origin': '*',
      'access-control-max-age': '86400',
    });
    const allowed = response.headers.get('access-control-allow-headers')?.toLowerCase().split(', ');
    expect(allowed).toEqual(
      expect.arrayContaining([
        ...['authorization', 'content-type', 'neon-connection-string', 'neon-raw-text-output', 'neon-array-mode'],
        ...['neon-pool-opt-in', 'neon-batch-isolation-level', 'neon-batch-read-only', 'neon-batch-deferrable'],
      ]),
    );
  });

  test('errors can be read, too', async () => {
    const { request } = setUp();
    for (const [path, init] of [
      ['/sql', { method: 'POST' }],
      ['/sql', {}],
      ['/nowhere', {}],
    ] as const) {
      expect((await request(path, init)).headers.get('access-control-allow-origin')).toBe('*');
    }
  });
});

describe('everything else', () => {
  test.each([
    ['/', 'GET', 404, 'unknown path: GET /'],
    ['/sqlx', 'POST', 404, 'unknown path: POST /sqlx'],
    ['/sql/', 'POST', 404, 'unknown path: POST /sql/'],
    ['/health', 'POST', 404, 'unknown path: POST /health'],
    ['/sql', 'GET', 405, 'method GET is not allowed on /sql: use POST'],
    ['/sql', 'DELETE', 405, 'method DELETE is not allowed on /sql: use POST'],
  ])('%s %s', async (path, method, status, message) => {
    const { request } = setUp();
    const response = await request(path, { method });
    const body = (await response.json()) as Record<string, unknown>;
    expect(response.status).toBe(status);
    expect(body).toMatchObject({ message, code: '08P01', severity: 'ERROR', hint: expect.any(String) });
    expect(Object.keys(body)).toHaveLength(18);
    expect(response.headers.get('allow')).toBe(status === 405 ? 'OPTIONS, POST' : null);
  });

  test('GET /health', async () => {
    const { request } = setUp();
    const response = await request('/health');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok' });
  });

  test('GET /health with something to tell', async () => {
    const sql: SqlHandler = () => Promise.reject(new Error('not asked'));
    const well = createHttpApp({ sql, health: async () => ({ sessions: 3 }) });
    expect(await (await well.request('/health')).json()).toEqual({ status: 'ok', sessions: 3 });
    const defects: unknown[] = [];
    const ill = createHttpApp({
      sql,
      health: () => Promise.reject(new Error('x')),
      onDefect: (...of) => defects.push(of),
    });
    const response = await ill.request('/health');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'unavailable' });
    expect(defects).toEqual([[new Error('x'), '/health']]);
  });

  test('a defect gives nothing away', async () => {
    const defects: unknown[] = [];
    const sql: SqlHandler = () => {
      throw new Error('secret');
    };
    const app = createHttpApp({ sql, onDefect: (...of) => defects.push(of) });
    const response = await app.request('/sql', { method: 'POST' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(defects).toEqual([[new Error('secret'), '/sql']]);
  });
});
