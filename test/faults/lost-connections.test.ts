// Killed server connections and vanished callers hurt nobody else, and leave nothing behind.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { activeQueries, type FaultyGateway, openGateway } from './gateway.ts';

let database: TestDatabase;
let opened: FaultyGateway;
let observer: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query('CREATE TABLE t (n int)');
  opened = await openGateway(database.url, { poolSize: 2 });
  observer = new pg.Client({ connectionString: database.url });
  await observer.connect();
});
afterAll(async () => {
  await observer.end();
  await opened.close();
  await database.drop();
});

async function terminate(where: string): Promise<void> {
  await vi.waitFor(async () => {
    const { rows } = await observer.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND ${where}`,
    );
    expect(rows.length).toBeGreaterThan(0);
  });
}

test('a backend killed in the middle of a query ends that caller only', async () => {
  const [victim, bystander] = [await opened.connect(), await opened.connect()];
  const failure = victim.query('SELECT pg_sleep(30)').catch((error: { code?: string }) => error.code);
  await terminate(`query = 'SELECT pg_sleep(30)'`);
  expect(await failure).toBe('57P01');
  expect((await bystander.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a backend killed inside a transaction ends that caller only, and rolls back', async () => {
  const [victim, bystander] = [await opened.connect(), await opened.connect()];
  await victim.query('BEGIN');
  await victim.query('INSERT INTO t VALUES (1)');
  await terminate(`state = 'idle in transaction'`);
  await expect(victim.query('SELECT 1')).rejects.toThrow();
  expect((await bystander.query('SELECT count(*)::int AS n FROM t')).rows).toEqual([{ n: 0 }]);
});

test('idle backends killed are replaced without a word', async () => {
  const client = await opened.connect();
  await client.query('SELECT 1');
  await terminate(`state = 'idle'`);
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]!.idle).toBe(0));
  expect((await client.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
});

test('a caller that vanishes has its query cancelled and its transaction rolled back', async () => {
  const leaver = await opened.connect();
  await leaver.query('BEGIN');
  await leaver.query('INSERT INTO t VALUES (2)');
  leaver.query('SELECT pg_sleep(60)').catch(() => {});
  await vi.waitFor(async () => expect(await activeQueries(observer)).toEqual(['SELECT pg_sleep(60)']));
  (leaver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await vi.waitFor(async () => expect(await activeQueries(observer)).toEqual([]), { timeout: 5_000 });
  const client = await opened.connect();
  expect((await client.query('SELECT count(*)::int AS n FROM t WHERE n = 2')).rows).toEqual([{ n: 0 }]);
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ recovering: 0, faults: 0 }));
});
