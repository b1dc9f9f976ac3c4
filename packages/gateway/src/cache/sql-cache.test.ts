// The cache of /sql, on a whole gateway with a real Postgres.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type RunningGateway, startGateway } from '../node/server.ts';

let database: TestDatabase;
let gateway: RunningGateway;
let value = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(
    'CREATE TABLE t (v int); INSERT INTO t VALUES (0); CREATE ROLE reader LOGIN PASSWORD $$r$$; GRANT SELECT ON t TO reader',
  );
  gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    log: () => {},
  });
});
afterAll(async () => {
  await gateway?.close(0);
  await database?.query('DROP OWNED BY reader; DROP ROLE reader');
  await database?.drop();
});
beforeEach(async () => {
  await sql('SELECT 1', { 'postern-cache-invalidate': 'all' });
});

const change = () => database.query(`UPDATE t SET v = ${++value}`);

async function sql(query: string | object, headers: Record<string, string> = {}, url = database.url) {
  const response = await fetch(`http://127.0.0.1:${gateway.httpAddress.port}/sql`, {
    method: 'POST',
    headers: { 'neon-connection-string': url, 'neon-array-mode': 'true', ...headers },
    body: JSON.stringify(typeof query === 'string' ? { query } : query),
  });
  const body = (await response.json()) as {
    rows?: unknown[][];
    results?: { rows: unknown[][] }[];
    message?: string;
    code?: string;
  };
  const { headers: got } = response;
  return { cache: got.get('postern-cache'), age: got.get('age'), v: body.rows?.[0]?.[0], body };
}

const minute = { 'cache-control': 'max-age=60' };
const read = 'SELECT v FROM t';

test('a result is kept for as long as the request says', async () => {
  await change();
  expect(await sql(read, minute)).toMatchObject({ cache: 'miss', age: '0', v: value });
  await change();
  expect(await sql(read, minute)).toMatchObject({ cache: 'ttl', v: value - 1 });
  // Who does not ask for it gets the truth, and no header.
  expect(await sql(read)).toMatchObject({ cache: null, age: null, v: value });
  expect(await sql(read, { 'cache-control': 'no-cache' })).toMatchObject({ cache: null, v: value });
});

test('stale results are answered while a new one is fetched', async () => {
  await change();
  const swr = { 'cache-control': 'max-age=0, stale-while-revalidate=60' };
  expect(await sql(read, swr)).toMatchObject({ cache: 'miss', v: value });
  await change();
  expect(await sql(read, swr)).toMatchObject({ cache: 'swr', v: value - 1 });
  await expect.poll(async () => (await sql(read, swr)).v).toBe(value);
});

test('what makes a result another one: values, shape, settings, role', async () => {
  const variants: Parameters<typeof sql>[] = [
    [read, minute],
    [{ query: 'SELECT v FROM t WHERE v > $1', params: [-1] }, minute],
    [{ query: 'SELECT v FROM t WHERE v > $1', params: [-2] }, minute],
    [read, { ...minute, 'neon-raw-text-output': 'true' }],
    [read, minute, `${database.url}?application_name=other`],
    [read, minute, database.urlFor('reader', 'r')],
  ];
  for (const variant of variants) expect((await sql(...variant)).cache).toBe('miss');
  for (const variant of variants) expect((await sql(...variant)).cache).toBe('ttl');
});

test('a wrong password gets nothing of what is kept', async () => {
  await sql(read, minute);
  expect((await sql(read, minute, database.urlFor('postgres', 'wrong'))).body.code).toBe('28P01');
});

test('a cached result needs no server connection', async () => {
  await sql(read, minute);
  const open = () => gateway.stats().pools.reduce((sum, { idle, leased }) => sum + idle + leased, 0);
  await database.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await expect.poll(open).toBe(0);
  expect(await sql(read, minute)).toMatchObject({ cache: 'ttl', v: value });
  expect(open()).toBe(0);
});

test('writes, transactions and errors are not kept', async () => {
  await change();
  for (let run = 0; run < 2; run++) {
    expect((await sql('UPDATE t SET v = v RETURNING v', minute)).cache).toBe('none');
    expect((await sql('SELECT 1/(SELECT 0)', minute)).body.code).toBe('22012');
  }
  const batch = { queries: [{ query: read }, { query: 'SELECT 2' }] };
  expect(await sql(batch, minute)).toMatchObject({ cache: 'miss' });
  expect(await sql(batch, minute)).toMatchObject({
    cache: 'ttl',
    body: { results: [{ rows: [[value]] }, { rows: [[2]] }] },
  });
  expect((await sql({ queries: [{ query: read }, { query: 'DELETE FROM t WHERE false' }] }, minute)).cache).toBe(
    'none',
  );
});

test('a write that succeeds can say what it makes outdated', async () => {
  const tagged = { ...minute, 'postern-cache-tags': 'numbers' };
  await change();
  await sql(read, tagged);
  const write = (query: string) => sql(query, { 'postern-cache-invalidate': 'numbers' });
  await write('SELECT 1/(SELECT 0)');
  expect((await sql(read, tagged)).cache).toBe('ttl');
  await write(`UPDATE t SET v = ${++value}`);
  expect(await sql(read, tagged)).toMatchObject({ cache: 'miss', v: value });
  expect((await sql(read, { ...minute, 'postern-cache-tags': 'not allowed' })).body.message).toContain(
    'cache tag "not allowed"',
  );
});

test('so can a commit, a stream, and a batch of nothing', async () => {
  const tagged = { ...minute, 'postern-cache-tags': 'numbers' };
  const forget = { 'postern-cache-invalidate': 'numbers' };
  const begin = { 'postern-transaction': 'begin' };
  const keep = async (): Promise<void> => {
    await sql(read, tagged);
    expect((await sql(read, tagged)).cache).toBe('ttl');
  };
  const write = () => `UPDATE t SET v = ${++value}`;

  await keep();
  expect((await sql(write(), { ...forget, ...begin, 'postern-transaction-end': 'commit' })).cache).toBe('none');
  expect(await sql(read, tagged)).toMatchObject({ cache: 'miss', v: value });

  await keep();
  const response = await fetch(`http://127.0.0.1:${gateway.httpAddress.port}/sql`, {
    method: 'POST',
    headers: { 'neon-connection-string': database.url, 'postern-stream': 'true', ...forget },
    body: JSON.stringify({ query: write() }),
  });
  expect(response.headers.get('postern-cache')).toBe('none');
  await response.text();
  expect(await sql(read, tagged)).toMatchObject({ cache: 'miss', v: value });

  await keep();
  await sql({ queries: [] }, forget);
  expect((await sql(read, tagged)).cache).toBe('miss');

  // Who forgets before the end may keep what was before it.
  const early = await sql('SELECT 1', { ...forget, ...begin });
  expect(early.body).toMatchObject({ code: '22023', message: expect.stringContaining('that commits') });
  const failed = await sql('SELECT 1/(SELECT 0)', { ...forget, ...begin, 'postern-transaction-end': 'commit' });
  expect(failed.body.code).toBe('22012');
  expect((await sql(read, tagged)).cache).toBe('ttl');
});
