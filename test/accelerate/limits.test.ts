import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase, outcomeOf, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AskOptions, ask, rawQuery } from './ask.ts';
import { type OpenedGateway, type OpenGatewayOptions, openGateway } from './open-gateway.ts';

let database: TestDatabase;
const opened: OpenedGateway[] = [];
const clients: SuiteClient[] = [];

beforeAll(async () => {
  database = await createSuiteDatabase();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.$disconnect()));
  await Promise.all(opened.splice(0).map(({ gateway }) => gateway.close(0)));
});
afterAll(() => database?.drop());

// Long enough for what must not run into it on a busy machine.
const tight = { tight: { queryTimeoutMs: 1_500, transactionTimeoutMs: 6_000, maxResponseBytes: 20_000 } };

async function open(options: Partial<OpenGatewayOptions> = {}): Promise<OpenedGateway & { prisma: SuiteClient }> {
  const gateway = await openGateway({ databaseUrl: database.url, plans: tight, keys: [{ plan: 'tight' }], ...options });
  opened.push(gateway);
  const prisma = prisma7().openAccelerate(gateway.url);
  clients.push(prisma);
  return { ...gateway, prisma };
}

async function running(): Promise<string[]> {
  const rows = await database.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`,
  );
  return rows.map(({ query }) => query);
}

const failure = async (work: Promise<unknown>) => {
  const outcome = await outcomeOf(() => work);
  return 'error' in outcome ? outcome.error : outcome;
};

describe('P6004: a query over its time', () => {
  test('is cancelled in Postgres, and the connection is good for the next', async () => {
    const { prisma, gateway } = await open();
    expect(await failure(prisma.$queryRawUnsafe('SELECT pg_sleep(30)'))).toMatchObject({
      code: 'P6004',
      message: expect.stringContaining('1.5 s'),
    });
    await expect.poll(running).toEqual([]);
    expect(await prisma.$queryRawUnsafe('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(gateway.stats().sessions.pooled).toBe(0);
  });

  test('in a transaction rolls it back', async () => {
    const { prisma } = await open();
    const work = prisma.$transaction(async (tx) => {
      await tx.category.create({ data: { name: 'slow' } });
      await tx.$queryRawUnsafe('SELECT pg_sleep(30)');
    });
    expect(await failure(work)).toMatchObject({ code: 'P6004' });
    await expect.poll(running).toEqual([]);
    expect(await prisma.category.count({ where: { name: 'slow' } })).toBe(0);
  });

  test('a client’s own idea of the limit is ignored', async () => {
    const { origin, keys } = await open();
    const headers = { 'x-query-timeout': 'PT60S', 'x-max-response-size': '1GB', 'x-max-transaction-timeout': 'PT1H' };
    const { key } = keys[0]!;
    const answer = await ask(origin, '/query', { key, headers, body: rawQuery('SELECT pg_sleep(30)') });
    expect(answer.body).toMatchObject({ code: 'P6004' });
    const start = { key, headers, body: { timeout: 60_000, maxWait: 1_000 } };
    expect((await ask(origin, '/transaction/start', start)).body).toMatchObject({ code: 'P6005' });
  });
});

test('P6005: a transaction that wants more time than the plan has', async () => {
  const { prisma } = await open();
  const work = (options: object) => failure(prisma.$transaction((tx) => tx.user.count(), options));
  expect(await work({ timeout: 6_001 })).toMatchObject({ code: 'P6005', message: expect.stringContaining('6000 ms') });
  expect(await work({ maxWait: 6_001 })).toMatchObject({ code: 'P6005' });
  expect(await work({ timeout: 6_000 })).toEqual({ value: 3 });
});

describe('P6009: a response over its size', () => {
  test.each([
    ['one row', `SELECT repeat('x', 30000) AS x`],
    ['many rows, stopped on the way', 'SELECT a, b FROM generate_series(1, 100000) a, generate_series(1, 100000) b'],
  ])('%s', async (_name, sql) => {
    const { prisma } = await open();
    expect(await failure(prisma.$queryRawUnsafe(sql))).toMatchObject({ code: 'P6009' });
    await expect.poll(running).toEqual([]);
    expect(await prisma.user.count()).toBe(3);
  });
});

test('P6009: what one plan fetches, however small its answer; a transaction may fetch as much again in its next request', async () => {
  const { origin, keys } = await open();
  const { key } = keys[0]!;
  const row = {
    type: 'query',
    args: { type: 'rawSql', sql: `SELECT repeat('x', 30000) AS x`, args: [], argTypes: [] },
  };
  const body = (count: number) => ({
    operation: 'findMany',
    plan: { type: 'seq', args: [...Array(count).fill(row), { type: 'value', args: 1 }] },
    params: {},
  });
  expect((await ask(origin, '/query', { key, body: body(2) })).body).toEqual({ data: 1 });
  expect((await ask(origin, '/query', { key, body: body(3) })).body).toMatchObject({ code: 'P6009' });
  const { body: started } = await ask(origin, '/transaction/start', { key, body: {} });
  for (let request = 0; request < 3; request++) {
    const answer = await ask(origin, `/transaction/${started.id}/query`, { key, body: body(2) });
    expect(answer.body).toEqual({ data: 1 });
  }
  expect((await ask(origin, `/transaction/${started.id}/commit`, { key })).status).toBe(200);
});

test('P5011: too many requests, and when to come back', async () => {
  const { origin, keys } = await open({
    plans: { slow: { requestsPerSecond: 0.02 } },
    keys: [{ plan: 'slow' }, { plan: 'slow' }],
  });
  const answers = await Promise.all(
    [1, 2, 3].map(() => ask(origin, '/query', { key: keys[0]?.key, body: rawQuery('SELECT 1') })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body).toMatchObject({ code: 'P5011' });
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(1);
  // Everybody has their own.
  expect((await ask(origin, '/query', { key: keys[1]?.key, body: rawQuery('SELECT 1') })).status).toBe(200);
});

describe('P2024 and P2028: no connection', () => {
  /** With so short a pool_timeout, a busy machine may be too slow to open the one connection there is. */
  const whenConnected = (prisma: SuiteClient) =>
    expect.poll(() => prisma.user.count().catch(() => 0), { timeout: 10_000 }).toBe(3);

  test('for a query within pool_timeout', async () => {
    const { prisma } = await open({ poolSize: 1, poolTimeoutMs: 200, plans: {}, keys: [{}] });
    await whenConnected(prisma);
    await prisma.$transaction(async (tx) => {
      await tx.user.count();
      expect(await failure(prisma.user.count())).toMatchObject({
        code: 'P2024',
        message: expect.stringContaining('Timed out fetching a new connection from the connection pool'),
      });
    });
    expect(await prisma.user.count()).toBe(3);
  });

  test('for a plan’s own transaction: nothing of it runs outside of one', async () => {
    const { prisma, origin, keys } = await open({ poolSize: 1, poolTimeoutMs: 200, plans: {}, keys: [{}] });
    const insert = (name: string) => {
      const args = { type: 'rawSql', sql: `INSERT INTO "Category" (name) VALUES ('${name}')`, args: [], argTypes: [] };
      return { type: 'execute', args };
    };
    const plan = { type: 'transaction', args: { type: 'sum', args: [insert('loose 1'), insert('loose 2')] } };
    const body = { operation: 'executeRaw', plan, params: {} };
    await whenConnected(prisma);
    await prisma.$transaction(async (tx) => {
      await tx.user.count();
      expect((await ask(origin, '/query', { key: keys[0]?.key, body })).body).toMatchObject({ code: 'P2024' });
    });
    expect((await ask(origin, '/query', { key: keys[0]?.key, body: rawQuery('SELECT 1') })).status).toBe(200);
    expect(await prisma.category.count({ where: { name: { startsWith: 'loose' } } })).toBe(0);
    // The very same plan, when there is a connection.
    expect((await ask(origin, '/query', { key: keys[0]?.key, body })).body).toEqual({ data: 2 });
  });

  test('for a transaction within maxWait; and nobody keeps waiting', async () => {
    const { prisma, gateway } = await open({ poolSize: 1, plans: {}, keys: [{}] });
    await prisma.$transaction(async (tx) => {
      await tx.user.count();
      const late = prisma.$transaction((inner) => inner.user.count(), { maxWait: 200 });
      expect(await failure(late)).toMatchObject({ code: 'P2028', message: expect.stringContaining('Unable to start') });
      expect(gateway.stats().sessions.pooled).toBe(1);
    });
  });

  test('the plan’s connection limit is one per key', async () => {
    const { origin, keys } = await open({
      poolSize: 4,
      poolTimeoutMs: 1_000,
      plans: { one: { connectionLimit: 1 } },
      keys: [{ plan: 'one' }, { plan: 'one' }],
    });
    const sleep = (key: string | undefined) =>
      ask(origin, '/query', { key, body: rawQuery('SELECT 1 AS n FROM pg_sleep(2.5)') });
    const [first, second, other] = await Promise.all([sleep(keys[0]?.key), sleep(keys[0]?.key), sleep(keys[1]?.key)]);
    expect([first?.status, second?.status].sort()).toEqual([200, 503]);
    expect(other?.status).toBe(200);
  });
});

describe('P6008: the database does not let us in', () => {
  test.each([
    [
      'nobody listens',
      (url: URL) => {
        url.port = '1';
      },
    ],
    [
      'a wrong password',
      (url: URL) => {
        url.password = 'wrong';
      },
    ],
    [
      'no such database',
      (url: URL) => {
        url.pathname = '/nope';
      },
    ],
  ])('%s', async (_name, change) => {
    const url = new URL(database.url);
    change(url);
    url.searchParams.set('connect_timeout', '0.3');
    const { prisma } = await open({ keys: [{ databaseUrl: url.href }], plans: {} });
    const error = await failure(prisma.user.count());
    expect(error).toMatchObject({ code: 'P6008', message: expect.stringContaining('Cannot connect to the database') });
    expect(JSON.stringify(error)).not.toContain(url.password);
  });

  test('a key for what is not there', async () => {
    const { origin, keys, log } = await open({ keys: [{ endpoint: 'gone' }, { plan: 'gone' }], plans: {} });
    for (const { key } of keys) {
      expect((await ask(origin, '/connection-info', { method: 'GET', key })).body).toMatchObject({ code: 'P6008' });
    }
    // The operator is told what it is.
    expect(log.map(({ detail }) => detail).filter(Boolean)).toEqual([
      expect.stringContaining('endpoint "gone"'),
      expect.stringContaining('plan "gone"'),
    ]);
  });
});

test('P6002: no key, a wrong key, a revoked one', async () => {
  const { origin, keys } = await open();
  const { key } = keys[0]!;
  for (const wrong of [undefined, 'x', `${key}x`, key.toUpperCase()]) {
    const answer = await ask(origin, '/query', { key: wrong, body: rawQuery('SELECT 1') });
    expect(answer).toMatchObject({ status: 401, body: { code: 'P6002' } });
  }
  const prisma = prisma7().openAccelerate(`prisma+postgres://${new URL(origin).host}/?api_key=wrong`);
  expect(await failure(prisma.user.count())).toMatchObject({ code: 'P6002' });
});

test('P6006: clients whose plans are not understood', async () => {
  const { origin, keys } = await open();
  const from = (hash: string | undefined, path = '/query') =>
    ask(origin, path, {
      key: keys[0]?.key,
      headers: hash === undefined ? {} : { 'prisma-engine-hash': hash },
      body: rawQuery('SELECT 1'),
    }).then(({ body }) => body.code ?? 'ok');
  for (const hash of ['6.17.0', '6.19.3', '7.0.1', '7.10.1', '7.10.0-dev.58']) expect(await from(hash)).toBe('ok');
  for (const hash of ['', 'x', '0.0.0', '5.22.0', '6.16.3', '6.20.0', '7.11.0', '8.0.0']) {
    expect(await from(hash)).toBe('P6006');
  }
  expect(await from('6.16.3', '/transaction/start')).toBe('P6006');
});

test('nothing a stranger sends makes it say where in the code it is', async () => {
  const { origin, keys } = await open();
  const { key } = keys[0]!;
  const requests: [path: string, options: AskOptions][] = [
    ['/query', { body: '{' }],
    ['/query', { body: '[]' }],
    ['/query', { body: {} }],
    ['/query', { body: { operation: 'findMany', plan: { type: 'nope' }, params: {} } }],
    ['/query', { body: { operation: 'findMany', plan: { type: 'query', args: { type: 'rawSql' } } } }],
    [
      '/query',
      {
        body: {
          operation: 'findMany',
          plan: {
            type: 'value',
            args: { prisma__type: 'generatorCall', prisma__value: { name: 'constructor', args: [] } },
          },
        },
      },
    ],
    ['/query', { body: rawQuery('SELECT 1; SELECT \u0000') }],
    ['/query', { body: rawQuery('COPY "User" TO STDOUT') }],
    ['/query', { body: `{"operation":"x","plan":{"type":"seq","args":${'['.repeat(50_000)}${']'.repeat(50_000)}}}` }],
    ['/transaction/start', { body: { timeout: -1 } }],
    ['/transaction/start', { body: { isolationLevel: 'SNAPSHOT' } }],
    ['/transaction/start', { body: { isolationLevel: '; DROP TABLE "User"' } }],
    ['/transaction/start', { body: { newTxId: 'nope' } }],
    ['/transaction/nope/query', { body: rawQuery('SELECT 1') }],
    ['/transaction/nope/commit', {}],
    ['/transaction/nope/rollback', {}],
    ['/invalidate', { body: { tags: [] } }],
    ['/invalidate', { body: { tags: ['a b'] } }],
    [
      '/query',
      {
        headers: { 'cache-control': 'max-age=1', 'accelerate-cache-tags': 'a,b,c,d,e,f' },
        body: { ...rawQuery('SELECT 1'), operation: 'findMany' },
      },
    ],
  ];
  for (const [path, options] of requests) {
    const answer = await ask(origin, path, {
      key,
      headers: { 'x-capture-telemetry': 'error, query, tracing' },
      ...options,
    });
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect(answer.body).toMatchObject({ code: expect.stringMatching(/^P\d{4}$/), error: expect.any(String) });
    expect(answer.text).not.toMatch(/node_modules|\.ts:|\.js:|\.mjs|at \w+ \(|node:/);
    expect(answer.headers.get('accelerate-cache-status')).toBe('none');
  }
  expect((await ask(origin, '/query', { key, body: rawQuery('SELECT 1') })).status).toBe(200);
});

test('a request that is too large is refused by its size alone', async () => {
  const { origin, keys } = await open();
  const answer = await ask(origin, '/query', { key: keys[0]?.key, body: rawQuery('x'.repeat(11_000_000)) });
  expect(answer).toMatchObject({ status: 413, body: { error: expect.stringContaining('too large') } });
});

test('a caller who leaves takes its query along', async () => {
  const { origin, keys, gateway } = await open({ plans: {}, keys: [{}] });
  const controller = new AbortController();
  const request = fetch(`${origin}/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys[0]?.key}`, 'prisma-engine-hash': '7.10.0' },
    body: JSON.stringify(rawQuery('SELECT pg_sleep(30)')),
    signal: controller.signal,
  });
  await expect.poll(running).toEqual(['SELECT pg_sleep(30)']);
  controller.abort();
  await expect(request).rejects.toThrow();
  await expect.poll(running).toEqual([]);
  await expect.poll(() => gateway.stats().sessions.pooled).toBe(0);
});

test('a transaction belongs to the key that began it', async () => {
  const { origin, keys } = await open({ keys: [{}, {}], plans: {} });
  const [mine, theirs] = keys.map(({ key }) => key);
  const { body } = await ask(origin, '/transaction/start', { key: mine, body: {} });
  const path = `/transaction/${body.id}`;
  expect((await ask(origin, `${path}/query`, { key: theirs, body: rawQuery('SELECT 1') })).body).toMatchObject({
    code: 'P2028',
  });
  expect((await ask(origin, `${path}/commit`, { key: theirs })).body).toMatchObject({ code: 'P2028' });
  expect((await ask(origin, `${path}/commit`, { key: mine })).status).toBe(200);
});

test('a transaction nobody ends is ended, and its connection is free', async () => {
  const { origin, keys, gateway } = await open({ keys: [{}], plans: {} });
  const { key } = keys[0]!;
  const { body } = await ask(origin, '/transaction/start', { key, body: { timeout: 100, maxWait: 1_000 } });
  expect(gateway.stats().sessions.pooled).toBe(1);
  await expect.poll(() => gateway.stats().sessions.pooled).toBe(0);
  const late = await ask(origin, `/transaction/${body.id}/query`, { key, body: rawQuery('SELECT 1') });
  expect(late).toMatchObject({
    status: 409,
    body: { code: 'P2028', error: expect.stringContaining('expired transaction') },
  });
});
