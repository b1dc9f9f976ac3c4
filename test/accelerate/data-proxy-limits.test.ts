import { prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { createSuiteDatabase, outcomeOf, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AskOptions, ask } from './ask.ts';
import { type OpenedGateway, type OpenGatewayOptions, openGateway } from './open-gateway.ts';
import { find, raw, smallSchema, speakDataProxy } from './speak-data-proxy.ts';

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

const tight = { tight: { queryTimeoutMs: 1_500, transactionTimeoutMs: 6_000, maxResponseBytes: 20_000 } };

async function open(options: Partial<OpenGatewayOptions> = {}): Promise<OpenedGateway & { prisma: SuiteClient }> {
  const gateway = await openGateway({ databaseUrl: database.url, plans: tight, keys: [{ plan: 'tight' }], ...options });
  opened.push(gateway);
  const prisma = prisma6WithoutEngine().openAccelerate(gateway.url);
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
  test('is cancelled in Postgres, and not repeated', async () => {
    const { prisma, gateway, log } = await open();
    expect(await failure(prisma.$queryRawUnsafe('SELECT pg_sleep(30)'))).toMatchObject({
      code: 'P6004',
      message: expect.stringContaining('1.5 s'),
    });
    await expect.poll(running).toEqual([]);
    expect(log.filter(({ status }) => status === 504)).toHaveLength(1);
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

  test('a list of steps has a transaction’s time, and leaves nothing behind', async () => {
    const plans = { tight: { ...tight.tight, transactionTimeoutMs: 2_000 } };
    const { prisma } = await open({ plans });
    const steps = (seconds: number) =>
      prisma.$transaction([
        prisma.category.createMany({ data: [{ name: 'step' }] }),
        prisma.$queryRawUnsafe(`SELECT 1 AS n FROM pg_sleep(${seconds})`),
      ]);
    expect(await failure(steps(30))).toMatchObject({ code: 'P6004', message: expect.stringContaining('2 s') });
    await expect.poll(running).toEqual([]);
    expect(await prisma.category.count({ where: { name: 'step' } })).toBe(0);
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

  test('all results of a batch together', async () => {
    const { prisma } = await open();
    const part = () => prisma.$queryRawUnsafe(`SELECT repeat('x', 12000) AS x`);
    expect(await failure(prisma.$transaction([part(), part()]))).toMatchObject({ code: 'P6009' });
    expect(await failure(prisma.$transaction([part()]))).toMatchObject({ value: [[{}]] });
  });
});

describe('P2028', () => {
  test('a transaction nobody ends is ended, and its connection is free', async () => {
    const { origin, keys, gateway } = await open({ plans: {}, keys: [{}] });
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    await caller.upload();
    const { body } = await caller.post('transaction/start', { body: { max_wait: 5_000, timeout: 100 } });
    await expect.poll(() => gateway.stats().sessions.pooled).toBe(0);
    const late = await caller.post(`itx/${body.id}/graphql`, { body: find('Category') });
    expect(late).toMatchObject({
      status: 200,
      body: { errors: [{ user_facing_error: { error_code: 'P2028', message: expect.stringContaining('expired') } }] },
    });
    // Where the client reads the status only.
    const commit = await caller.post(`itx/${body.id}/commit`);
    expect(commit).toMatchObject({ status: 409, body: { is_panic: false, error_code: 'P2028' } });
  });

  test('no connection within maxWait', async () => {
    const { prisma, gateway } = await open({ poolSize: 1, plans: {}, keys: [{}] });
    await prisma.$transaction(
      async (tx) => {
        await tx.user.count();
        const late = prisma.$transaction((inner) => inner.user.count(), { maxWait: 200 });
        expect(await failure(late)).toMatchObject({
          code: 'P2028',
          message: expect.stringContaining('Unable to start'),
        });
        expect(gateway.stats().sessions.pooled).toBe(1);
      },
      { timeout: 20_000, maxWait: 20_000 },
    );
  });

  test('a transaction belongs to the key that began it', async () => {
    const { origin, keys } = await open({ keys: [{}, {}], plans: {} });
    const [mine, theirs] = keys.map(({ key }) => speakDataProxy(origin, { key, schema: smallSchema() }));
    await Promise.all([mine!.upload(), theirs!.upload()]);
    const { body } = await mine!.post('transaction/start', { body: {} });
    const stolen = await theirs!.post(`itx/${body.id}/graphql`, { body: find('Category') });
    expect(stolen.body.errors).toMatchObject([{ user_facing_error: { error_code: 'P2028' } }]);
    expect((await theirs!.post(`itx/${body.id}/commit`)).body).toMatchObject({ error_code: 'P2028' });
    expect((await mine!.post(`itx/${body.id}/commit`)).status).toBe(200);
  });
});

test('P2024: no connection within pool_timeout; the client does not ask again', async () => {
  const { prisma, log } = await open({ poolSize: 1, poolTimeoutMs: 200, plans: {}, keys: [{}] });
  // With so short a pool_timeout, a busy machine may be too slow to open the one connection there is.
  await expect.poll(() => prisma.user.count().catch(() => 0), { timeout: 10_000 }).toBe(3);
  await prisma.$transaction(
    async (tx) => {
      await tx.user.count();
      log.length = 0;
      expect(await failure(prisma.user.count())).toMatchObject({ code: 'P2024' });
      expect(log.filter(({ route }) => route === 'data-proxy/graphql')).toHaveLength(1);
    },
    { timeout: 20_000, maxWait: 20_000 },
  );
});

test('P5011: too many requests, and when to come back', async () => {
  const { origin, keys } = await open({ plans: { slow: { requestsPerSecond: 1 } }, keys: [{ plan: 'slow' }] });
  const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
  await caller.upload();
  const answers = await Promise.all([1, 2, 3].map(() => caller.query(raw('SELECT 1'))));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.body).toMatchObject({ error_code: 'P5011' });
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
});

describe('P6002', () => {
  test('no key, a wrong key', async () => {
    const { origin } = await open();
    for (const key of [undefined, 'x']) {
      const caller = speakDataProxy(origin, { key, schema: smallSchema() });
      const answers = [
        await caller.upload(),
        await caller.query(find('Category')),
        await caller.post('transaction/start', { body: {} }),
        await caller.post('itx/x/commit'),
      ];
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 401, body: { error_code: 'P6002', is_panic: false } });
      }
    }
    const prisma = prisma6WithoutEngine().openAccelerate(`prisma+postgres://${new URL(origin).host}/?api_key=wrong`);
    expect(await failure(prisma.user.count())).toMatchObject({ code: 'P6002' });
  });

  test('a key that is revoked meanwhile', async () => {
    const first = await open();
    const { entry } = first.keys[0]!;
    let isRevoked = false;
    const keys = { entryOf: () => (isRevoked ? undefined : entry), isEmpty: () => isRevoked };
    const gateway = await open({ settings: { keys } });
    const url = gateway.url.replace(/api_key=.*/, `api_key=${first.keys[0]!.key}`);
    const prisma = prisma6WithoutEngine().openAccelerate(url);
    clients.push(prisma);
    expect(await prisma.user.count()).toBe(3);
    isRevoked = true;
    expect(await failure(prisma.user.count())).toMatchObject({ code: 'P6002' });
  });
});

test('P6006: clients of a version that speaks otherwise', async () => {
  const { origin, keys } = await open();
  const from = async (version: string) => {
    const { status, body } = await speakDataProxy(origin, {
      key: keys[0]!.key,
      schema: smallSchema(),
      version,
    }).upload();
    return status === 200 ? 'ok' : body.error_code;
  };
  for (const version of ['5.22.0', '6.0.0', '6.19.3']) expect(await from(version)).toBe('ok');
  for (const version of ['4.16.2', '5.21.0', '6.20.0', '7.0.0']) expect(await from(version)).toBe('P6006');
});

test('P6008: the database does not let us in', async () => {
  const url = new URL(database.url);
  url.password = 'wrong';
  const { prisma } = await open({ keys: [{ databaseUrl: url.href }], plans: {} });
  expect(await failure(prisma.user.count())).toMatchObject({
    code: 'P6008',
    message: expect.stringContaining('Cannot connect to the database'),
  });
});

test('nothing a stranger sends makes it say where in the code it is', async () => {
  const { origin, keys } = await open();
  const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
  await caller.upload();
  const requests: [action: string, options: AskOptions][] = [
    ['graphql', { body: '{' }],
    ['graphql', { body: '[]' }],
    ['graphql', { body: '' }],
    ['graphql', { body: {} }],
    ['graphql', { body: { action: 1 } }],
    ['graphql', { body: { action: 'constructor', query: {} } }],
    ['graphql', { body: { action: 'findMany', modelName: 7, query: {} } }],
    ['graphql', { body: { action: 'findMany', modelName: 'Nope', query: { arguments: {}, selection: {} } } }],
    ['graphql', { body: find('Category', { where: { nope: 1 } }) }],
    ['graphql', { body: { batch: 'x' } }],
    ['graphql', { body: { batch: [1] } }],
    ['graphql', { body: { batch: [raw('SELECT 1')], transaction: { isolationLevel: '; DROP TABLE "User"' } } }],
    ['graphql', { body: { batch: [raw('SELECT 1')], transaction: 'x' } }],
    ['graphql', { body: raw('SELECT 1; SELECT \u0000') }],
    ['graphql', { body: raw('COPY "User" TO STDOUT') }],
    ['graphql', { body: { action: 'queryRaw', query: { arguments: { query: 'SELECT 1', parameters: 'x' } } } }],
    ['graphql', { body: `{"action":"findMany","query":${'['.repeat(50_000)}${']'.repeat(50_000)}}` }],
    [
      'graphql',
      {
        headers: { 'cache-control': 'max-age=1', 'accelerate-cache-tags': 'a,b,c,d,e,f' },
        body: find('Category'),
      },
    ],
    ['transaction/start', { body: { timeout: -1 } }],
    ['transaction/start', { body: { isolation_level: 'Snapshot' } }],
    ['transaction/start', { body: '{' }],
    ['itx/nope/graphql', { body: find('Category') }],
    ['itx/nope/commit', {}],
    ['itx/nope/rollback', {}],
    ['schema', { method: 'PUT', body: 'x' }],
  ];
  for (const [action, options] of requests) {
    const answer = await caller.post(action, {
      ...options,
      headers: { 'x-capture-telemetry': 'error, query, tracing', ...options.headers },
    });
    const { body, text } = answer;
    const [error] = (body.errors as { user_facing_error: object }[] | undefined) ?? [{ user_facing_error: body }];
    expect(error!.user_facing_error, text).toMatchObject({ is_panic: false, message: expect.any(String) });
    expect(text).not.toMatch(/node_modules|\.ts:|\.js:|\.mjs|\.rs:|at \w+ \(|node:/);
    expect(answer.headers.get('accelerate-cache-status')).toBe('none');
  }
  const large = await caller.query(raw('x'.repeat(11_000_000)));
  expect(large).toMatchObject({ status: 413, body: { message: expect.stringContaining('too large') } });
  expect((await ask(origin, `/6.19.3/${'g'.repeat(64)}/graphql`, { key: keys[0]!.key })).status).toBe(404);
  expect((await caller.query(find('Category', { where: { id: 1 } }))).body).toEqual({
    data: { findMany: [{ id: 1, name: 'db' }] },
  });
});

test('a caller who leaves takes its query along', async () => {
  const { origin, keys, gateway } = await open({ plans: {}, keys: [{}] });
  const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
  await caller.upload();
  const controller = new AbortController();
  const request = fetch(`${origin}${caller.base}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys[0]!.key}` },
    body: JSON.stringify(raw('SELECT pg_sleep(30)')),
    signal: controller.signal,
  });
  await expect.poll(running).toEqual(['SELECT pg_sleep(30)']);
  controller.abort();
  await expect(request).rejects.toThrow();
  await expect.poll(running).toEqual([]);
  await expect.poll(() => gateway.stats().sessions.pooled).toBe(0);
});
