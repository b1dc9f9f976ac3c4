// Interactive transactions over HTTP, through the whole gateway to a real Postgres.
import { connectRaw, createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningGateway, type StartGatewayOptions, startGateway } from './server.ts';

let database: TestDatabase;
let gateway: RunningGateway;
const running: RunningGateway[] = [];
const log: Record<string, unknown>[] = [];
const other = `other_${process.pid}`;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`CREATE ROLE ${other} LOGIN PASSWORD 'secret'; CREATE TABLE t (id int PRIMARY KEY, v text);
    CREATE TABLE child (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON t, child TO ${other}`);
  gateway = await open();
});

beforeEach(async () => {
  await database.query('TRUNCATE t, child');
});

afterEach(async () => {
  for (const extra of running.splice(1)) await extra.close(0);
});

afterAll(async () => {
  await gateway?.close(0);
  await database.query(`DROP OWNED BY ${other}; DROP ROLE ${other}`);
  await database?.drop();
});

async function open(options: Partial<StartGatewayOptions> = {}): Promise<RunningGateway> {
  const opened = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    poolSize: 4,
    log: (event) => void log.push({ ...event }),
    ...options,
  });
  running.push(opened);
  return opened;
}

interface Reply {
  status: number;
  token: string | null;
  state: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the test expects
  json: any;
}

interface Options {
  end?: 'commit' | 'rollback';
  headers?: Record<string, string>;
  url?: string;
  on?: RunningGateway;
  signal?: AbortSignal;
}

/** A text is one statement; a list several; an empty list none. */
async function send(transaction: string, query: string | string[], options: Options = {}): Promise<Reply> {
  const { end, headers, url = database.url, on = gateway, signal } = options;
  const response = await fetch(`http://127.0.0.1:${on.httpAddress.port}/sql`, {
    method: 'POST',
    headers: {
      ...{ 'Neon-Connection-String': url, 'Neon-Raw-Text-Output': 'true', 'Neon-Array-Mode': 'true' },
      ...{ 'Postern-Transaction': transaction, ...(end === undefined ? {} : { 'Postern-Transaction-End': end }) },
      ...headers,
    },
    body: JSON.stringify(
      typeof query === 'string' ? { query, params: [] } : { queries: query.map((text) => ({ query: text })) },
    ),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  return {
    status: response.status,
    token: response.headers.get('postern-transaction'),
    state: response.headers.get('postern-transaction-state'),
    json: response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : text,
  };
}

/** Outside of any. */
async function query(text: string, on: RunningGateway, url = database.url): Promise<Pick<Reply, 'status' | 'json'>> {
  const response = await fetch(`http://127.0.0.1:${on.httpAddress.port}/sql`, {
    method: 'POST',
    headers: { 'Neon-Connection-String': url },
    body: JSON.stringify({ query: text, params: [] }),
  });
  return { status: response.status, json: await response.json() };
}

async function begin(query: string | string[] = [], options?: Options): Promise<string> {
  const { token, json } = await send('begin', query, options);
  if (token === null) throw new Error(`no token: ${JSON.stringify(json)}`);
  return token;
}

const ids = async (): Promise<number[]> =>
  (await database.query<{ id: number }>('SELECT id FROM t ORDER BY id')).map(({ id }) => id);
/** Open transactions of callers in this database. */
const openTransactions = (): Promise<Record<string, unknown>[]> =>
  database.query(`SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND (state LIKE 'idle in transaction%' OR state = 'active')`);

/** Holds an advisory lock until it is released, so that a statement runs for exactly as long as a test wants. */
async function lock(key: number): Promise<() => Promise<void>> {
  const client = await connectRaw({ ...database, database: database.name, params: { application_name: 'holder' } });
  await client.query(`SELECT pg_advisory_lock(${key})`);
  return () => client.end();
}

describe('a transaction', () => {
  it('of two statements takes two requests', async () => {
    const first = await send('begin', 'INSERT INTO t VALUES (1) RETURNING id');
    expect(first).toMatchObject({ status: 200, state: 'open', token: expect.stringMatching(/^[\w-]{43}$/) });
    expect(first.json).toMatchObject({ rows: [['1']], command: 'INSERT', rowCount: 1 });
    expect(await ids()).toEqual([]);
    const second = await send(first.token!, 'INSERT INTO t VALUES (2)', { end: 'commit' });
    expect(second).toMatchObject({ status: 200, state: 'over', token: null, json: { command: 'INSERT', rowCount: 1 } });
    expect(await ids()).toEqual([1, 2]);
    expect(await openTransactions()).toEqual([]);
    expect((await send(first.token!, 'SELECT 1')).json).toMatchObject({
      code: '25P01',
      gatewayCode: 'transaction_unknown',
    });
  });

  it('sees what it did, others do not, until it is rolled back', async () => {
    const token = await begin('INSERT INTO t VALUES (1)');
    const [inside, alsoInside] = await Promise.all(
      [1, 2].map(() => send(token, 'SELECT pg_backend_pid(), count(*) FROM t')),
    );
    expect(inside?.json.rows[0][1]).toBe('1');
    expect(alsoInside?.json.rows).toEqual(inside?.json.rows);
    expect(await ids()).toEqual([]);
    expect(await send(token, [], { end: 'rollback' })).toMatchObject({
      ...{ status: 200, state: 'over', token: null, json: { results: [] } },
    });
    expect(await ids()).toEqual([]);
  });

  it('can be one request', async () => {
    const reply = await send('begin', ['INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (2)'], { end: 'commit' });
    expect(reply).toMatchObject({ status: 200, state: 'over', token: null });
    expect(reply.json.results).toHaveLength(2);
    expect(await ids()).toEqual([1, 2]);
  });

  it('takes several statements in one request, and none at all', async () => {
    const token = await begin();
    const { json } = await send(token, ['INSERT INTO t VALUES (1)', 'SELECT id FROM t']);
    expect(json.results.map((result: { rows: unknown }) => result.rows)).toEqual([[], [['1']]]);
    expect(await send(token, [])).toMatchObject({ status: 200, state: 'open', token, json: { results: [] } });
    const failed = await send(token, ['SELECT 1', 'SELECT nothing', 'SELECT 2']);
    expect(failed).toMatchObject({ status: 400, state: 'failed', token, json: { code: '42703', statementIndex: 1 } });
    await send(token, [], { end: 'rollback' });
  });

  it('has the options of the headers', async () => {
    const headers = { 'Neon-Batch-Isolation-Level': 'Serializable', 'Neon-Batch-Read-Only': 'true' };
    const { token, json } = await send('begin', 'SHOW transaction_isolation', { headers });
    expect(json.rows).toEqual([['serializable']]);
    expect((await send(token!, 'INSERT INTO t VALUES (1)', { end: 'commit' })).json).toMatchObject({ code: '25006' });
  });

  it('gives typed values, types of the database’s own included', async () => {
    await database.query("DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'ok')");
    const headers = { 'Neon-Raw-Text-Output': 'false' };
    const { token, json } = await send('begin', `SELECT 1 AS n, ARRAY['sad'::mood] AS m`, { headers });
    expect(json.rows).toEqual([[1, ['sad']]]);
    expect((await send(token!, 'SELECT true', { headers, end: 'commit' })).json.rows).toEqual([[true]]);
  });

  it('keeps settings and cursors from request to request, and leaves nothing behind', async () => {
    const token = await begin("SET LOCAL work_mem = '5MB'");
    await send(token, 'DECLARE c CURSOR FOR SELECT generate_series(1, 5)');
    expect((await send(token, 'FETCH 2 FROM c')).json.rows).toEqual([['1'], ['2']]);
    expect((await send(token, 'FETCH 2 FROM c')).json.rows).toEqual([['3'], ['4']]);
    expect((await send(token, 'SHOW work_mem', { end: 'commit' })).json.rows).toEqual([['5MB']]);
    const after = await begin('SHOW work_mem');
    expect((await send(after, 'SHOW work_mem', { end: 'commit' })).json.rows).not.toEqual([['5MB']]);
  });
});

describe('an error', () => {
  it('leaves it failed, as in Postgres; savepoints help', async () => {
    const token = await begin(['INSERT INTO t VALUES (1)', 'SAVEPOINT s']);
    expect(await send(token, 'SELECT 1 / 0')).toMatchObject({
      status: 400,
      state: 'failed',
      token,
      json: { code: '22012' },
    });
    expect((await send(token, 'SELECT 1')).json).toMatchObject({ code: '25P02' });
    expect(await send(token, 'ROLLBACK TO s')).toMatchObject({ status: 200, state: 'open' });
    expect(await send(token, [], { end: 'commit' })).toMatchObject({ status: 200, state: 'over' });
    expect(await ids()).toEqual([1]);
  });

  it('in the first statement leaves it failed too', async () => {
    const reply = await send('begin', 'SELECT nothing');
    expect(reply).toMatchObject({ status: 400, state: 'failed', token: expect.any(String), json: { code: '42703' } });
    expect(await send(reply.token!, [], { end: 'rollback' })).toMatchObject({ status: 200, state: 'over' });
  });

  it('makes a commit fail instead of rolling back in silence', async () => {
    const { token } = await send('begin', 'SELECT nothing');
    expect(await send(token!, [], { end: 'commit' })).toMatchObject({
      ...{ status: 400, state: 'over', token: null, json: { code: '25P02', gatewayCode: 'transaction_failed' } },
    });
    expect(await openTransactions()).toEqual([]);
  });

  it('in the last statement ends it', async () => {
    const token = await begin('INSERT INTO t VALUES (1)');
    expect(await send(token, 'SELECT nothing', { end: 'commit' })).toMatchObject({
      ...{ status: 400, state: 'over', token: null, json: { code: '42703' } },
    });
    expect(await openTransactions()).toEqual([]);
    expect(await ids()).toEqual([]);
  });

  it('of the commit itself is the answer', async () => {
    const token = await begin('INSERT INTO child VALUES (9)');
    expect(await send(token, 'SELECT 1', { end: 'commit' })).toMatchObject({
      ...{ status: 400, state: 'over', token: null, json: { code: '23503' } },
    });
  });
});

describe('its end', () => {
  it.each(['COMMIT', 'ROLLBACK'])('can be the caller’s own %s', async (sql) => {
    const token = await begin('INSERT INTO t VALUES (1)');
    expect(await send(token, sql)).toMatchObject({ status: 200, state: 'over', token: null });
    expect(await ids()).toEqual(sql === 'COMMIT' ? [1] : []);
    // Nothing runs outside of a transaction by mistake.
    expect((await send(token, 'INSERT INTO t VALUES (2)')).json).toMatchObject({ gatewayCode: 'transaction_unknown' });
    expect(await ids()).not.toContain(2);
  });

  it('comes when the caller leaves in the middle of a statement', async () => {
    const token = await begin('INSERT INTO t VALUES (1)');
    const controller = new AbortController();
    const leaving = send(token, 'SELECT pg_sleep(60)', { signal: controller.signal });
    await expect.poll(openTransactions).toEqual([{ state: 'active' }]);
    controller.abort();
    await expect(leaving).rejects.toThrow();
    await expect.poll(openTransactions).toEqual([]);
    expect((await send(token, 'SELECT 1')).json).toMatchObject({ gatewayCode: 'transaction_unknown' });
    expect(await ids()).toEqual([]);
  });

  it('comes when Postgres ends the connection', async () => {
    const first = await send('begin', 'SELECT pg_backend_pid()');
    await database.query('SELECT pg_terminate_backend($1)', [first.json.rows[0][0]]);
    await expect
      .poll(async () => (await send(first.token!, 'SELECT 1')).json.gatewayCode)
      .toBe('server_connection_lost');
  });

  it('comes when nothing is sent for too long, and when it takes too long', async () => {
    const hasty = await open({ transactions: { idleTimeoutMs: 50 } });
    const idle = await begin('INSERT INTO t VALUES (1)', { on: hasty });
    await expect.poll(openTransactions).toEqual([]);
    expect((await send(idle, 'SELECT 1', { on: hasty })).json).toMatchObject({
      ...{ code: '25P04', gatewayCode: 'transaction_expired' },
    });
    const long = await begin('INSERT INTO t VALUES (2)', { headers: { 'Postern-Transaction-Timeout': '300' } });
    expect(await send(long, 'SELECT pg_sleep(60)')).toMatchObject({
      ...{ status: 400, state: 'over', token: null, json: { gatewayCode: 'transaction_expired' } },
    });
    await expect.poll(openTransactions).toEqual([]);
    expect((await send(long, 'SELECT 1')).json).toMatchObject({ gatewayCode: 'transaction_expired' });
    expect(await ids()).toEqual([]);
  });

  it('may come after the gateway’s has begun, over new connections too; all else is refused', async () => {
    const closing = await open();
    const health = `http://127.0.0.1:${closing.httpAddress.port}/health`;
    const token = await begin('INSERT INTO t VALUES (1)', { on: closing });
    const closed = closing.close(20_000);
    const refusal = { status: 400, json: { code: '57P01', gatewayCode: 'shutting_down', safeToRetry: true } };
    const url = `${database.url}?connect_timeout=1`;
    for (const one of [
      send('begin', 'SELECT 1', { on: closing }),
      query('SELECT 1', closing),
      query('SELECT 1', closing, url),
    ]) {
      expect(await one).toMatchObject(refusal);
    }
    expect((await fetch(health)).status).toBe(503);
    const headers = { connection: 'close' };
    expect(await send(token, 'INSERT INTO t VALUES (2)', { on: closing, headers })).toMatchObject({ status: 200 });
    expect(await send(token, 'INSERT INTO t VALUES (3)', { on: closing, end: 'commit' })).toMatchObject({
      ...{ status: 200, state: 'over' },
    });
    await closed;
    await expect(fetch(health)).rejects.toThrow();
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it('comes with the gateway’s when its grace is over', async () => {
    const closing = await open();
    const token = await begin('INSERT INTO t VALUES (1)', { on: closing });
    const last = send(token, 'SELECT pg_sleep(60)', { on: closing, end: 'commit' });
    await begin('INSERT INTO t VALUES (2)', { on: closing });
    await expect
      .poll(openTransactions)
      .toEqual(expect.arrayContaining([{ state: 'active' }, { state: 'idle in transaction' }]));
    await closing.close(50);
    const { json } = await last;
    expect(json).toMatchObject({ code: '57P01' });
    // It may have been committed, as far as anybody can tell.
    expect(json.safeToRetry).toBeUndefined();
    await expect.poll(openTransactions).toEqual([]);
    expect(await ids()).toEqual([]);
  });
});

describe('a token', () => {
  it('is worth nothing with other credentials', async () => {
    const token = await begin('INSERT INTO t VALUES (1)');
    const second = await createTestDatabase();
    try {
      const urls = [database.urlFor(other, 'secret'), second.url];
      for (const url of urls) {
        for (const end of [undefined, 'commit'] as const) {
          const reply = await send(token, 'SELECT 1', { url, ...(end === undefined ? {} : { end }) });
          expect(reply).toMatchObject({ status: 400, token: null, json: { gatewayCode: 'transaction_unknown' } });
        }
      }
      const wrong = await send(token, 'SELECT 1', { url: database.urlFor(database.user, 'wrong') });
      expect(wrong.json).toMatchObject({ code: '28P01' });
    } finally {
      await second.drop();
    }
    // The owner's goes on.
    expect(await send(token, 'SELECT 1', { end: 'commit' })).toMatchObject({ status: 200 });
    expect(await ids()).toEqual([1]);
  });

  it('that never was is unknown, and one that cannot be is refused', async () => {
    expect((await send('A'.repeat(43), 'SELECT 1')).json).toMatchObject({ gatewayCode: 'transaction_unknown' });
    expect((await send('nonsense', 'SELECT 1')).json).toMatchObject({ gatewayCode: 'invalid_header' });
  });

  it('is never logged', async () => {
    const token = await begin('SELECT 1');
    await send(token, 'SELECT nothing');
    await send(token, 'SELECT 1', { url: database.urlFor(other, 'secret') });
    await send(token, [], { end: 'rollback' });
    await send(token, 'SELECT 1');
    expect(log.filter(({ transaction }) => transaction !== undefined).length).toBeGreaterThan(0);
    expect(JSON.stringify(log)).not.toContain(token);
  });
});

describe('requests of one transaction', () => {
  it('run one after the other', async () => {
    const token = await begin();
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, n) => send(token, `INSERT INTO t SELECT ${n} FROM pg_sleep(0.01) RETURNING id`)),
    );
    expect(replies.map(({ json }) => json.rows)).toEqual(Array.from({ length: 8 }, (_, n) => [[String(n)]]));
    expect((await send(token, 'SELECT id FROM t', { end: 'commit' })).json.rows).toHaveLength(8);
  });

  it('behind its end find nothing', async () => {
    const token = await begin();
    const release = await lock(8);
    const last = send(token, 'SELECT pg_advisory_xact_lock(8)', { end: 'commit' });
    await expect.poll(openTransactions).toEqual([{ state: 'active' }]);
    const late = send(token, 'INSERT INTO t VALUES (1)');
    await release();
    expect((await last).status).toBe(200);
    expect((await late).json).toMatchObject({ gatewayCode: 'transaction_unknown' });
    expect(await ids()).toEqual([]);
  });

  it('of another transaction do not wait', async () => {
    const slow = await begin();
    const quick = await begin();
    const sleeping = send(slow, 'SELECT pg_sleep(60)', { end: 'rollback', signal: AbortSignal.timeout(20_000) });
    expect(await send(quick, 'SELECT 1', { end: 'commit' })).toMatchObject({ status: 200 });
    await database.query(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()",
    );
    expect((await sleeping).json).toMatchObject({ code: '57014' });
  });

  it('are limited, and so are transactions', async () => {
    const small = await open({ transactions: { maxWaitingRequests: 1, maxTransactions: 1 } });
    const token = await begin([], { on: small });
    const release = await lock(7);
    const running = send(token, 'SELECT pg_advisory_xact_lock(7)', { on: small });
    await expect.poll(openTransactions).toEqual([{ state: 'active' }]);
    const refused: string[] = [];
    const waiting = [1, 2, 3].map(async () => {
      const { json } = await send(token, 'SELECT 1', { on: small });
      if (json.gatewayCode !== undefined) refused.push(json.gatewayCode);
      return json.command;
    });
    // Who waits is not answered, so it is the other two that were.
    await expect.poll(() => refused).toEqual(['transaction_busy', 'transaction_busy']);
    await release();
    await running;
    expect((await Promise.all(waiting)).filter((command) => command === 'SELECT')).toHaveLength(1);
    expect((await send('begin', 'SELECT 1', { on: small })).json).toMatchObject({
      ...{ gatewayCode: 'too_many_transactions', safeToRetry: true },
    });
    await send(token, [], { on: small, end: 'rollback' });
    expect(await send('begin', 'SELECT 1', { on: small, end: 'commit' })).toMatchObject({ status: 200 });
  });
});

describe('streaming in a transaction', () => {
  const headers = { 'Postern-Stream': 'true' };
  const lastLine = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1)!);

  it('tells the state in the last line', async () => {
    const first = await send('begin', 'SELECT generate_series(1, 3)', { headers });
    expect(first).toMatchObject({ status: 200, state: 'open' });
    expect(lastLine(first.json)).toEqual({ command: 'SELECT', rowCount: 3, transaction: 'open' });
    const failed = await send(first.token!, 'SELECT 1 / (3 - i) FROM generate_series(1, 5) i', { headers });
    expect(lastLine(failed.json)).toMatchObject({ error: { code: '22012' }, transaction: 'failed' });
    expect(await send(first.token!, [], { end: 'rollback' })).toMatchObject({ status: 200 });
    const whole = await send('begin', 'INSERT INTO t VALUES (7) RETURNING id', { headers, end: 'commit' });
    expect(lastLine(whole.json)).toEqual({ command: 'INSERT', rowCount: 1, transaction: 'over' });
    expect(await ids()).toEqual([7]);
  });

  it('left early ends the transaction', async () => {
    const token = await begin('INSERT INTO t VALUES (1)');
    const controller = new AbortController();
    const response = await fetch(`http://127.0.0.1:${gateway.httpAddress.port}/sql`, {
      method: 'POST',
      headers: { 'Neon-Connection-String': database.url, 'Postern-Transaction': token, ...headers },
      body: JSON.stringify({ query: "SELECT repeat('x', 10000), pg_sleep(0.01) FROM generate_series(1, 100000)" }),
      signal: controller.signal,
    });
    await response.body?.getReader().read();
    controller.abort();
    await expect.poll(openTransactions).toEqual([]);
    expect((await send(token, 'SELECT 1')).json).toMatchObject({ gatewayCode: 'transaction_unknown' });
  });
});
