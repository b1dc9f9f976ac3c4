// Statements that have been quick share a connection; one that suddenly is not keeps its fellows for a moment only.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FaultyGateway, openGateway } from './gateway.ts';

let database: TestDatabase;
let opened: FaultyGateway;
let locker: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  locker = new pg.Client({ connectionString: database.url });
  await locker.connect();
  await locker.query(`
    CREATE TABLE a AS SELECT 1 AS n; CREATE TABLE b AS SELECT 2 AS n;
    CREATE TABLE visits (at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION visit() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO visits DEFAULT VALUES; RETURN 2; END $$;
    CREATE VIEW counted AS SELECT visit() AS n; CREATE VIEW outermost AS SELECT n FROM counted`);
  opened = await openGateway(database.url, { poolSize: 3 });
});
afterAll(async () => {
  await locker.end();
  await opened.close();
  await database.drop();
});

test('a lock that one of them waits for', { timeout: 60_000 }, async () => {
  const [first, ...others] = await Promise.all(Array.from({ length: 6 }, () => opened.connect()));
  for (let i = 0; i < 300; i++) {
    await first!.query('SELECT n FROM a');
    await first!.query('SELECT n FROM b');
  }
  await locker.query('BEGIN; LOCK TABLE a');
  let isUnlocked = false;
  const stuck = first!.query('SELECT n FROM a').then(({ rows }) => {
    expect(isUnlocked).toBe(true);
    return rows;
  });
  const rows = await Promise.all(others.map((client) => client.query('SELECT n FROM b').then((result) => result.rows)));
  expect(rows).toEqual(others.map(() => [{ n: 2 }]));
  isUnlocked = true;
  await locker.query('COMMIT');
  expect(await stuck).toEqual([{ n: 1 }]);
  for (const client of [first!, ...others]) expect((await client.query('SELECT n FROM a')).rows).toEqual([{ n: 1 }]);
  expect(opened.gateway.stats().pools).toMatchObject([{ faults: 0, waiting: 0 }]);
});

test('what writes when it is read does not share, so it cannot run twice', { timeout: 60_000 }, async () => {
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => opened.connect()));
  const visits = async (): Promise<number> => (await locker.query('SELECT count(*)::int AS n FROM visits')).rows[0].n;
  for (let i = 0; i < 300; i++) {
    await first!.query('SELECT n FROM a');
    await first!.query('SELECT n FROM outermost');
  }
  expect(await visits()).toBe(300);
  await locker.query('BEGIN; LOCK TABLE a');
  const stuck = first!.query('SELECT n FROM a');
  await Promise.all(others.map((client) => client.query('SELECT n FROM outermost')));
  await locker.query('COMMIT');
  await stuck;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await visits()).toBe(304);
});
