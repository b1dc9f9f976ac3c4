import { gatewayFetch } from '@postern/prisma-mapping';
import { prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

interface CacheInfo {
  readonly cacheStatus: string;
  readonly lastModified: Date;
  readonly region: string;
  readonly requestId: string;
  readonly signature: string;
}

interface CachedClient {
  readonly user: {
    findMany(args: object): { withAccelerateInfo(): Promise<{ data: { name: string }[]; info: CacheInfo }> };
    findUnique(args: object): Promise<unknown>;
    update(args: object): Promise<unknown>;
  };
  $accelerate: { invalidate(wish: { tags: string[] }): Promise<unknown>; invalidateAll(): Promise<unknown> };
  $transaction<R>(work: (tx: CachedClient) => Promise<R>, options: object): Promise<R>;
}

let database: TestDatabase;
let opened: OpenedGateway;
let base: SuiteClient;
let client: CachedClient;
let names = 0;

beforeAll(async () => {
  database = await createSuiteDatabase();
  opened = await openGateway({ databaseUrl: database.url });
  const version = prisma6WithoutEngine();
  base = version.openAccelerate(opened.url);
  client = base.$extends(version.withAccelerate({ fetch: gatewayFetch(opened.url) })) as CachedClient;
});
beforeEach(async () => {
  await client.$accelerate.invalidateAll();
  await change();
});
afterAll(async () => {
  await base?.$disconnect();
  await opened?.gateway.close(0);
  await database?.drop();
});

/** Changes what the queries below find, behind everybody's back. */
const change = () => database.query(`UPDATE "User" SET name = 'n${++names}' WHERE id = 1`);
const query = (cacheStrategy?: object, where: object = { id: 1 }) =>
  client.user
    .findMany({ where, select: { name: true }, ...(cacheStrategy === undefined ? {} : { cacheStrategy }) })
    .withAccelerateInfo();
const find = async (cacheStrategy?: object, where?: object) => {
  const { data, info } = await query(cacheStrategy, where);
  return `${info.cacheStatus} ${data[0]?.name}`;
};

test('ttl, then swr with a refresh behind it, then ttl of the new result, in the end a miss', async () => {
  // What is sure to be fresh is asked for with long times, what is sure to be old with short ones.
  const long = { ttl: 60, swr: 60 };
  const first = names;
  expect(await find(long)).toBe(`miss n${first}`);
  await change();
  expect(await find(long)).toBe(`ttl n${first}`);
  await sleep(1_050);
  expect(await find({ ttl: 1, swr: 60 })).toBe(`swr n${first}`);
  await expect.poll(() => find(long)).toBe(`ttl n${first + 1}`);
  await change();
  await sleep(1_050);
  expect(await find({ ttl: 1 })).toBe(`miss n${first + 2}`);
});

test('invalidation by tag leaves the others', async () => {
  const tagged = { ttl: 60, tags: ['names', 'more'] };
  const where = { id: 1, email: { not: '' } };
  await find(tagged);
  const other = await find({ ttl: 60, tags: ['others'] }, where);
  await change();
  await client.$accelerate.invalidate({ tags: ['names'] });
  expect(await find(tagged)).toBe(`miss n${names}`);
  expect(await find({ ttl: 60 }, where)).toBe(other.replace('miss', 'ttl'));
});

test('withAccelerateInfo is complete', async () => {
  const first = (await query({ ttl: 60 })).info;
  expect(first).toMatchObject({ cacheStatus: 'miss', region: 'SELF' });
  expect(Math.abs(Date.now() - first.lastModified.getTime())).toBeLessThan(30_000);
  const second = (await query({ ttl: 60 })).info;
  expect(second).toMatchObject({ cacheStatus: 'ttl', signature: first.signature });
  expect(second.requestId).not.toBe(first.requestId);
  expect((await query()).info).toMatchObject({ cacheStatus: 'none', lastModified: expect.any(Date) });
});

test('a cached read needs no server connection', async () => {
  await find({ ttl: 60 });
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'accelerate %'`,
  );
  const connections = () => opened.gateway.stats().pools.reduce((open, pool) => open + pool.idle, 0);
  await expect.poll(connections).toBe(0);
  expect(await find({ ttl: 60 })).toMatch(/^ttl /);
  expect(connections()).toBe(0);
});

test('writes, transactions and errors are never cached', async () => {
  const bump = (prisma: CachedClient) =>
    prisma.user.update({ where: { id: 1 }, data: { score: { increment: 1 } }, cacheStrategy: { ttl: 60 } });
  await bump(client);
  const scores = await client.$transaction(
    async (tx) => {
      const read = async () =>
        await tx.user.findMany({ where: { id: 1 }, select: { score: true }, cacheStrategy: { ttl: 60 } });
      const first = await read();
      await bump(tx);
      return [first, await read()];
    },
    { timeout: 20_000, maxWait: 20_000 },
  );
  expect(scores[0]).not.toEqual(scores[1]);
  const broken = () => client.user.findUnique({ where: { id: 1 }, select: { name: true }, cacheStrategy: { ttl: 60 } });
  await database.query('ALTER TABLE "User" RENAME TO "Hidden"');
  await expect(broken()).rejects.toMatchObject({ code: 'P2021' });
  await database.query('ALTER TABLE "Hidden" RENAME TO "User"');
  await expect(broken()).resolves.toMatchObject({ name: expect.any(String) });
});

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
