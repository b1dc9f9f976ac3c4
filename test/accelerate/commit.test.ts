// A COMMIT that Postgres refuses, over both of Prisma's protocols. In-process its errors have no code; here all have one.

import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase, outcomeOf, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from './open-gateway.ts';
import { raw, smallSchema, speakDataProxy } from './speak-data-proxy.ts';

let database: TestDatabase;
let gateway: OpenedGateway;
let prisma: SuiteClient;

beforeAll(async () => {
  database = await createSuiteDatabase();
  await database.query(`
    CREATE TABLE late_unique (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE late_reference (n int REFERENCES "User" (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE late_trigger (n text);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'card % is refused', NEW.n; END $$;
    CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON late_trigger
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
  `);
});
beforeEach(async () => {
  gateway = await openGateway({ databaseUrl: database.url });
  prisma = prisma7().openAccelerate(gateway.url);
});
afterEach(async () => {
  await prisma.$disconnect();
  await gateway.gateway.close(0);
});
afterAll(() => database?.drop());

/** What the log has of the COMMIT that failed: neither texts of Postgres, which may quote values, nor stacks. */
const failures = (): unknown[] =>
  gateway.log.flatMap(({ route, status, code, message, stack, detail }) =>
    route === 'transaction/commit' && status !== 200 ? [{ status, code, message, stack, detail }] : [],
  );

const refusals: [code: string, kind: string, sql: string][] = [
  ['P2002', 'UniqueConstraintViolation', 'INSERT INTO late_unique VALUES (1), (1)'],
  ['P2003', 'ForeignKeyConstraintViolation', 'INSERT INTO late_reference VALUES (-1)'],
  ['P2039', 'postgres', `INSERT INTO late_trigger VALUES ('4111')`],
];

test.each(refusals)('%s: %s', async (code, kind, sql) => {
  expect(await outcomeOf(() => prisma.$transaction((tx) => tx.$executeRawUnsafe(sql)))).toMatchObject({
    error: {
      name: 'PrismaClientKnownRequestError',
      code,
      meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { kind } } },
    },
  });
  expect(failures()).toEqual([{ status: 400, code }]);
});

test('P2034: transactions that cannot be put in order', async () => {
  const options = { isolationLevel: 'Serializable' } as const;
  const work = prisma.$transaction(async (first) => {
    await first.user.aggregate({ _sum: { score: true } });
    await prisma.$transaction(async (second) => {
      await second.user.aggregate({ _sum: { score: true } });
      await first.user.create({ data: { email: 'first@example.com' } });
      await second.user.create({ data: { email: 'second@example.com' } });
    }, options);
  }, options);
  expect(await outcomeOf(() => work)).toMatchObject({ error: { code: 'P2034' } });
  expect(failures()).toEqual([{ status: 400, code: 'P2034' }]);
});

test.each(refusals)('%s in a batch of the older protocol', async (code, _kind, sql) => {
  const caller = speakDataProxy(gateway.origin, { key: gateway.keys[0]!.key, schema: smallSchema() });
  await caller.upload();
  const { status, body } = await caller.query({ batch: [raw(sql), raw('SELECT 1')], transaction: {} });
  expect(status).toBe(200);
  // Its clients do not know P2039.
  const known = code === 'P2039' ? { message: 'card 4111 is refused' } : { error_code: code };
  expect(body.errors).toEqual([expect.objectContaining({ user_facing_error: expect.objectContaining(known) })]);
  expect(JSON.stringify(gateway.log)).not.toMatch(/4111|\.ts:/);
});
