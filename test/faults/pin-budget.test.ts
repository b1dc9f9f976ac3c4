// State that keeps a server connection has a budget of its own: it is handed on at once, it cannot starve the others, and
// who asks for more than there is, is told.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FaultyGateway, openGateway } from './gateway.ts';

let database: TestDatabase;
let opened: FaultyGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  opened = await openGateway(database.url, { poolSize: 2, limits: { maxPinned: 1 } });
});

afterAll(async () => {
  await opened.close();
  await database.drop();
});

test('two sessions take turns with the only pin there is', async () => {
  const [first, second] = [await opened.connect(), await opened.connect()];
  for (let round = 0; round < 25; round++) {
    for (const client of [first, second]) {
      await client.query('SELECT pg_advisory_lock(1)');
      await client.query('SELECT pg_advisory_unlock(1)');
    }
  }
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ pinned: 0, leased: 0 }));
});

test('one pin too many ends its session with the reason, and everybody else goes on', async () => {
  const [holder, greedy, bystander] = [await opened.connect(), await opened.connect(), await opened.connect()];
  await holder.query('CREATE TEMP TABLE mine AS SELECT 1 AS n');
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ pinned: 1 }));
  const told = new Promise((resolve) => greedy.on('error', resolve));
  await greedy.query('SELECT pg_advisory_lock(2)');
  expect(await told).toMatchObject({
    code: '53400',
    severity: 'FATAL',
    message: expect.stringMatching(/limit 1.*advisory lock/),
    hint: expect.stringContaining('max_pinned'),
  });
  // Both connections of the pool are left for those who hold nothing.
  await Promise.all([
    bystander.query('SELECT pg_sleep(0.05)'),
    (await opened.connect()).query('SELECT pg_sleep(0.05)'),
  ]);
  expect(
    (await bystander.query('SELECT pg_try_advisory_lock_shared(2) AS free, pg_advisory_unlock_all()')).rows,
  ).toEqual([expect.objectContaining({ free: true })]);
  expect((await holder.query('SELECT n FROM mine')).rows).toEqual([{ n: 1 }]);
  await holder.query('DROP TABLE mine');
});
