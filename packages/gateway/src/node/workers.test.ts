// Two workers in one process, over channels that carry JSON: what differs from real ones is only who starts them.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KeyEntry } from '../keys/key-entry.ts';
import { createKey, fixedKeys } from '../keys/key-ring.ts';
import { type Coordinator, createCoordinator, type WorkerLine } from '../workers/coordinator.ts';
import { createWorkerSeat } from '../workers/worker-seat.ts';
import { createNodeClock } from './clock.ts';
import { type RunningGateway, startGateway } from './server.ts';

let database: TestDatabase;
let folder: string;
let key: { readonly key: string; readonly entry: KeyEntry };
let coordinator: Coordinator;
let workers: { readonly gateway: RunningGateway; readonly line: WorkerLine }[];

beforeAll(async () => {
  database = await createTestDatabase();
  key = await createKey({ name: 'test', endpoint: 'default', plan: 'business', createdAt: new Date(0) });
  folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  coordinator = createCoordinator({ clock: createNodeClock() });
  const identityKey = randomBytes(32);
  workers = await Promise.all([1, 2].map((number) => startWorker(number, identityKey)));
});
afterEach(async () => {
  await Promise.all(workers.map(({ gateway }) => gateway.close(0)));
});

const copy = <T>(message: T): T => JSON.parse(JSON.stringify(message)) as T;

async function startWorker(number: number, identityKey: Uint8Array) {
  const seat = createWorkerSeat({
    ...{ number, identityKey, count: 2, clock: createNodeClock() },
    send: (message) => setImmediate(() => line.receive(copy(message))),
  });
  const line = coordinator.joined(number, (message) => setImmediate(() => seat.receive(copy(message))));
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    poolSize: 3,
    keys: fixedKeys([key.entry]),
    worker: { seat, folder },
    log: () => {},
  });
  return { gateway, line };
}

const url = (worker: number, path: string): string =>
  `http://127.0.0.1:${workers[worker - 1]!.gateway.httpAddress.port}${path}`;

function sql(worker: number, query: string, headers: Record<string, string> = {}, connection = database.url) {
  return fetch(url(worker, '/sql'), {
    method: 'POST',
    headers: { 'neon-connection-string': connection, ...headers },
    body: JSON.stringify({ query, params: [] }),
  });
}

async function accelerate(worker: number, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url(worker, path), {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'prisma-engine-hash': '7.10.0' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, unknown>;
}

const plan = (text: string): object => ({
  operation: 'queryRaw',
  plan: { type: 'query', args: { type: 'rawSql', sql: text, args: [], argTypes: [] } },
  params: {},
});
const wish = { maxWait: 2_000, timeout: 5_000 };

test('a Prisma transaction goes on at whichever worker a request arrives', async () => {
  await database.query('CREATE TABLE prisma (n int)');
  const { id } = (await accelerate(1, '/transaction/start', wish)) as { id: string };
  expect(id).toMatch(/^1-/);
  for (const worker of [2, 1, 2]) {
    expect(
      await accelerate(worker, `/transaction/${id}/query`, plan('INSERT INTO prisma VALUES (1) RETURNING n')),
    ).toMatchObject({ data: { rows: [[1]] } });
  }
  // A transaction within it: the worker is named in the body only.
  expect(await accelerate(2, '/transaction/start', { ...wish, newTxId: id })).toMatchObject({ id });
  await accelerate(1, `/transaction/${id}/query`, plan('INSERT INTO prisma VALUES (2) RETURNING n'));
  await accelerate(2, `/transaction/${id}/rollback`, {});
  expect(await database.query('SELECT n FROM prisma')).toEqual([]);
  await accelerate(2, `/transaction/${id}/commit`, {});
  expect(await database.query('SELECT n FROM prisma')).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
});

test.each([
  ['POST', '/transaction/start'],
  ['POST', '/transaction/1-a/query'],
  ['PUT', `/6.19.3/${'0'.repeat(64)}/schema`],
  ['POST', `/6.19.3/${'0'.repeat(64)}/itx/1-a/graphql`],
])('what a stranger sends is not waited for: %s %s', async (method, path) => {
  const leave = new AbortController();
  const response = await fetch(url(2, path), {
    method,
    headers: { authorization: `Bearer ${key.key.slice(0, -1)}~` },
    body: new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode('{')) }),
    duplex: 'half',
    signal: leave.signal,
  } as RequestInit);
  expect(await response.text()).toContain('P6002');
  leave.abort();
});

test('a schema that one worker got is known to all, and so are its transactions', async () => {
  await database.query('CREATE TABLE "Note" (id int PRIMARY KEY)');
  const schema = Buffer.from(
    'datasource db {\n  provider = "postgresql"\n  url = env("X")\n}\nmodel Note {\n  id Int @id\n}',
  ).toString('base64');
  const base = `/6.19.3/${createHash('sha256').update(schema).digest('hex')}`;
  const ask = async (worker: number, action: string, body: object | string = {}, method = 'POST') => {
    const response = await fetch(url(worker, `${base}/${action}`), {
      method,
      headers: { authorization: `Bearer ${key.key}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const create = (id: number): object => ({
    modelName: 'Note',
    action: 'createOne',
    query: { arguments: { data: { id } }, selection: { $scalars: true } },
  });
  expect((await ask(2, 'graphql', create(1))).status).toBe(404);
  expect((await ask(1, 'schema', schema, 'PUT')).status).toBe(200);
  expect((await ask(2, 'graphql', create(1))).body).toEqual({ data: { createOne: { id: 1 } } });

  const { body } = await ask(1, 'transaction/start', { max_wait: 5_000, timeout: 10_000 });
  expect(body.id).toMatch(/^1-/);
  expect(body['data-proxy']).toEqual({ endpoint: url(1, `${base}/itx/${body.id}`) });
  for (const [index, worker] of [2, 1, 2].entries()) {
    const { body: created } = await ask(worker, `itx/${body.id}/graphql`, create(10 + index));
    expect(created).toEqual({ data: { createOne: { id: 10 + index } } });
  }
  expect(await database.query('SELECT count(*)::int AS n FROM "Note"')).toEqual([{ n: 1 }]);
  expect((await ask(2, `itx/${body.id}/commit`)).status).toBe(200);
  expect(await database.query('SELECT count(*)::int AS n FROM "Note"')).toEqual([{ n: 4 }]);

  const gone = await ask(1, 'transaction/start', { max_wait: 5_000, timeout: 10_000 });
  await workers[0]!.gateway.close(0);
  workers[0]!.line.left();
  expect(await ask(2, `itx/${gone.body.id}/commit`)).toMatchObject({
    status: expect.any(Number),
    body: { is_panic: false, message: 'the gateway process that had this transaction is gone' },
  });
});

test('what one worker invalidates no other answers from its cache', async () => {
  await database.query('CREATE TABLE cached AS SELECT 1 AS n');
  const ask = async (worker: number): Promise<unknown> => {
    const answer = await sql(worker, 'SELECT n FROM cached', {
      'cache-control': 'max-age=60',
      'postern-cache-tags': 'c',
    });
    return [((await answer.json()) as { rows: { n: number }[] }).rows[0]?.n, answer.headers.get('postern-cache')];
  };
  expect([await ask(1), await ask(2), await ask(1)]).toEqual([
    [1, 'miss'],
    [1, 'miss'],
    [1, 'ttl'],
  ]);
  await sql(2, 'UPDATE cached SET n = 2', { 'postern-cache-invalidate': 'c' });
  expect([await ask(1), await ask(2)]).toEqual([
    [2, 'miss'],
    [2, 'miss'],
  ]);
});

test('connection_limit holds for callers of both together', async () => {
  const connection = `${database.url}?connection_limit=1&application_name=limited`;
  let most = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const [row] = await database.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%sleep(0.02) limited%' AND pid <> pg_backend_pid()",
      );
      most = Math.max(most, row!.n);
    }
  })();
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => sql(1 + (i % 2), 'SELECT pg_sleep(0.02) limited', {}, connection)),
  ).then((answers) => expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200)));
  isOver = true;
  await watching;
  expect(most).toBe(1);
});

test('a password that one worker has verified is no login at the other', async () => {
  expect((await sql(1, 'SELECT 1')).status).toBe(200);
  expect((await sql(2, 'SELECT 1')).status).toBe(200);
  const { pools } = await coordinator.stats();
  // One that verified and then ran it, and one that ran it at the other.
  expect(pools.map(({ opened }) => opened)).toEqual([2]);
  expect((await sql(2, 'SELECT 1', {}, database.url.replace(`:${database.password}@`, ':wrong@'))).status).toBe(400);
});

test('a transaction whose worker is gone is said to be', async () => {
  const begun = await sql(1, 'SELECT 1', { 'postern-transaction': 'begin' });
  const token = begun.headers.get('postern-transaction') ?? '';
  await workers[0]!.gateway.close(0);
  workers[0]!.line.left();
  const answer = await sql(2, 'SELECT 1', { 'postern-transaction': token });
  expect(await answer.json()).toMatchObject({
    gatewayCode: 'server_connection_lost',
    message: 'the gateway process that had this transaction is gone',
  });
});
