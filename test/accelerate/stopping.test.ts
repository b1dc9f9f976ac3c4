// What the end of the gateway means for Prisma's interactive transactions over HTTP.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, rawQuery } from './ask.ts';
import { openGateway } from './open-gateway.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query('CREATE TABLE t (n int)');
});
afterAll(() => database?.drop());

test('one that is open goes on, over new connections too; all else is refused', async () => {
  const { gateway, origin, keys, log } = await openGateway({ databaseUrl: database.url });
  const { key } = keys[0]!;
  const post = (path: string, body: object) => ask(origin, path, { key, body, headers: { connection: 'close' } });
  const wish = { maxWait: 2_000, timeout: 10_000 };
  const { body } = await post('/transaction/start', wish);
  const closed = gateway.close(20_000);
  const refusal = { status: 400, body: { code: 'P1017', error: expect.stringContaining('shutting down') } };
  expect(await post('/query', rawQuery('SELECT 1'))).toMatchObject(refusal);
  expect(await post('/transaction/start', wish)).toMatchObject(refusal);
  const insert = rawQuery('INSERT INTO t VALUES (1) RETURNING n');
  expect(await post(`/transaction/${body.id}/query`, insert)).toMatchObject({ status: 200 });
  expect(await post(`/transaction/${body.id}/commit`, {})).toMatchObject({ status: 200 });
  await closed;
  expect(await database.query('SELECT n FROM t')).toEqual([{ n: 1 }]);
  expect(log.filter(({ event }) => event === 'internal_error')).toEqual([]);
});
