import { connectLater, gatewayFetch } from '@postern/prisma-mapping';
import { prisma6 } from '@postern/test-prisma-6';
import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, rawQuery } from './ask.ts';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

interface CacheInfo {
  readonly cacheStatus: string;
  readonly lastModified: Date;
  readonly region: string;
  readonly requestId: string;
  readonly signature: string;
}

type Result = Promise<unknown> & { withAccelerateInfo(): Promise<{ data: unknown; info: CacheInfo }> };
type CachedRun = (args: object) => Result;

interface CachedClient {
  readonly user: {
    findMany: CachedRun;
    findUnique: CachedRun;
    count: CachedRun;
    update(args: object): Promise<unknown>;
  };
  $accelerate: { invalidate(wish: { tags: string[] }): Promise<unknown>; invalidateAll(): Promise<unknown> };
  $transaction<R>(work: (tx: CachedClient) => Promise<R>): Promise<R>;
  $disconnect(): Promise<void>;
}

for (const prisma of [prisma7, prisma6]) {
  describe(`withAccelerate, ${prisma.name}`, () => {
    let database: TestDatabase;
    let opened: OpenedGateway;
    let client: CachedClient;
    let names: number;

    beforeAll(async () => {
      database = await createSuiteDatabase();
      opened = await openGateway({ databaseUrl: database.url, keys: [{}, { schema: 'public' }] });
      const version = prisma();
      const base = version.openAccelerate(opened.url);
      client = base.$extends(version.withAccelerate({ fetch: gatewayFetch(opened.url) })) as CachedClient;
      names = 0;
    });
    afterAll(async () => {
      await client?.$disconnect();
      await opened?.gateway.close(0);
      await database?.drop();
    });

    /** Changes what the queries below find, behind everybody's back. */
    const change = () => database.query(`UPDATE "User" SET name = 'n${++names}' WHERE id = 1`);
    const find = async (cacheStrategy?: object, where: object = { id: 1 }) => {
      const { data, info } = await client.user
        .findMany({ where, select: { name: true }, ...(cacheStrategy === undefined ? {} : { cacheStrategy }) })
        .withAccelerateInfo();
      return `${info.cacheStatus} ${(data as { name: string }[])[0]?.name}`;
    };
    const requests = () => opened.log.filter(({ event }) => event === 'http_accelerate').length;

    test('ttl, then swr with a refresh behind it, then ttl of the new result, in the end a miss', async () => {
      await change();
      // What is sure to be fresh is asked for with long times, what is sure to be old with short ones.
      const long = { ttl: 60, swr: 60 };
      expect(await find(long)).toBe('miss n1');
      await change();
      expect(await find(long)).toBe('ttl n1');
      await sleep(1_050);
      expect(await find({ ttl: 1, swr: 60 })).toBe('swr n1');
      await expect.poll(() => find(long)).toBe('ttl n2');
      await change();
      await sleep(1_050);
      expect(await find({ ttl: 1 })).toBe('miss n3');
      await change();
      expect(await find({ ttl: 60 })).toBe('ttl n3');
    });

    test('invalidation by tag, and of everything', async () => {
      await change();
      await client.$accelerate.invalidateAll();
      const tagged = { ttl: 60, tags: ['names', 'more'] };
      expect(await find(tagged)).toBe(`miss n${names}`);
      const other = await find({ ttl: 60, tags: ['others'] }, { id: 1, email: { not: '' } });
      await change();
      await client.$accelerate.invalidate({ tags: ['names'] });
      expect(await find(tagged)).toBe(`miss n${names}`);
      expect(await find({ ttl: 60 }, { id: 1, email: { not: '' } })).toBe(other.replace('miss', 'ttl'));
      await change();
      await client.$accelerate.invalidateAll();
      expect(await find(tagged)).toBe(`miss n${names}`);
      expect(await find({ ttl: 60 }, { id: 1, email: { not: '' } })).toBe(`miss n${names}`);
    });

    test('by a name the extension does not know, invalidation comes to us all the same', async () => {
      const version = prisma();
      const url = opened.url.replace('127.0.0.1', '127.0.0.1.nip');
      const sent: string[] = [];
      const send = gatewayFetch(url, {
        fetch: (input, init) => {
          sent.push(new URL(String(input)).host);
          // The name exists nowhere; where it would lead to is what counts.
          return fetch(String(input).replace('127.0.0.1.nip', '127.0.0.1'), init);
        },
      });
      const named = version.openAccelerate(opened.url).$extends(
        connectLater((base: { _accelerateEngineConfig: object }) => {
          // As the extension would see it.
          const config = base._accelerateEngineConfig as { accelerateUtils?: { resolveDatasourceUrl?: unknown } };
          config.accelerateUtils = { ...config.accelerateUtils, resolveDatasourceUrl: () => url };
          return (version.withAccelerate({ fetch: send }) as (client: object) => unknown)(base);
        }),
      ) as CachedClient;
      await find({ ttl: 60, tags: ['named'] }, { id: 2, email: { not: 'x' } });
      await named.$accelerate.invalidate({ tags: ['named'] });
      expect(sent).toEqual([new URL(url).host]);
      expect(await find({ ttl: 60 }, { id: 2, email: { not: 'x' } })).toMatch(/^miss /);
      await named.$disconnect();
    });

    test('withAccelerateInfo is complete', async () => {
      await client.$accelerate.invalidateAll();
      const ask = (cacheStrategy: object) =>
        client.user.count({ where: { id: 2 }, ...cacheStrategy }).withAccelerateInfo();
      const first = await ask({ cacheStrategy: { ttl: 60 } });
      expect(first).toMatchObject({ data: 1, info: { cacheStatus: 'miss', region: 'SELF' } });
      expect(Math.abs(Date.now() - first.info.lastModified.getTime())).toBeLessThan(10_000);
      const second = await ask({ cacheStrategy: { ttl: 60 } });
      expect(second.info.signature).toBe(first.info.signature);
      expect(second.info.requestId).not.toBe(first.info.requestId);
      expect((await ask({})).info).toMatchObject({ cacheStatus: 'none', lastModified: expect.any(Date) });
    });

    test('a cached read needs no server connection', async () => {
      const strategy = { ttl: 60 };
      await find(strategy, { id: 2 });
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'accelerate %'`,
      );
      const connections = () => opened.gateway.stats().pools.reduce((open, pool) => open + pool.idle, 0);
      await expect.poll(connections).toBe(0);
      const before = requests();
      expect(await find(strategy, { id: 2 })).toMatch(/^ttl /);
      expect(requests()).toBe(before + 1);
      expect(connections()).toBe(0);
    });

    test('one query for all who ask at the same time', async () => {
      await database.query('CREATE SEQUENCE IF NOT EXISTS asked');
      const options = {
        key: opened.keys[0]?.key,
        headers: { 'cache-control': 'max-age=60' },
        body: { ...rawQuery(`SELECT nextval('asked')::int AS n, pg_sleep(0.1)::text`), operation: 'findMany' },
      };
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(opened.origin, '/query', options)));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(await database.query(`SELECT last_value::int FROM asked`)).toEqual([{ last_value: 1 }]);
      await database.query('DROP SEQUENCE asked');
    });

    test('writes and transactions are never cached', async () => {
      await client.$accelerate.invalidateAll();
      await client.user.update({ where: { id: 1 }, data: { score: { increment: 1 } }, cacheStrategy: { ttl: 60 } });
      const scores = await client.$transaction(async (tx) => {
        const read = () => tx.user.findMany({ where: { id: 1 }, select: { score: true }, cacheStrategy: { ttl: 60 } });
        const first = await read();
        await tx.user.update({ where: { id: 1 }, data: { score: { increment: 1 } }, cacheStrategy: { ttl: 60 } });
        return [first, await read()];
      });
      expect(scores).toEqual([[{ score: expect.any(Number) }], [{ score: expect.any(Number) }]]);
      expect(scores[0]).not.toEqual(scores[1]);
    });

    test('another schema is another cache, for results and for invalidation', async () => {
      const version = prisma();
      const theirs = version
        .openAccelerate(opened.urls[1]!)
        .$extends(version.withAccelerate({ fetch: gatewayFetch(opened.urls[1]!) })) as CachedClient;
      expect(await find({ ttl: 60 }, { id: 3 })).toMatch(/^miss /);
      const { info } = await theirs.user
        .findMany({ where: { id: 3 }, select: { name: true }, cacheStrategy: { ttl: 60 } })
        .withAccelerateInfo();
      expect(info.cacheStatus).toBe('miss');
      await theirs.$accelerate.invalidateAll();
      expect(await find({ ttl: 60 }, { id: 3 })).toMatch(/^ttl /);
      await theirs.$disconnect();
    });

    test('another role is another cache, though it asks the same', async () => {
      const role = `reader_${database.name}`;
      await database.query(
        `CREATE ROLE ${role} LOGIN PASSWORD 'r'; GRANT SELECT ON "User" TO ${role};
         ALTER TABLE "User" ENABLE ROW LEVEL SECURITY; CREATE POLICY some_rows ON "User" TO ${role} USING (id < 3)`,
      );
      const theirs = await openGateway({
        databaseUrl: database.url,
        keys: [{}, { databaseUrl: database.urlFor(role, 'r') }],
      });
      const ids = async (url: string) => {
        const version = prisma();
        const reader = version
          .openAccelerate(url)
          .$extends(version.withAccelerate({ fetch: gatewayFetch(url) })) as CachedClient;
        const { data, info } = await reader.user
          .findMany({
            where: { id: { lte: 3 } },
            select: { id: true },
            orderBy: { id: 'asc' },
            cacheStrategy: { ttl: 60 },
          })
          .withAccelerateInfo();
        await reader.$disconnect();
        return [info.cacheStatus, ...(data as { id: number }[]).map(({ id }) => id)];
      };
      const [all, some] = theirs.urls as [string, string];
      expect(await ids(all)).toEqual(['miss', 1, 2, 3]);
      expect(await ids(some)).toEqual(['miss', 1, 2]);
      expect(await ids(all)).toEqual(['ttl', 1, 2, 3]);
      expect(await ids(some)).toEqual(['ttl', 1, 2]);
      await theirs.gateway.close(0);
      await database.query(
        `ALTER TABLE "User" DISABLE ROW LEVEL SECURITY; DROP POLICY some_rows ON "User"; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
    });

    test('errors are not cached', async () => {
      const findBroken = () =>
        client.user.findUnique({ where: { id: 1 }, select: { name: true }, cacheStrategy: { ttl: 60 } });
      await database.query('ALTER TABLE "User" RENAME TO "Hidden"');
      await client.$accelerate.invalidateAll();
      await expect(findBroken()).rejects.toMatchObject({ code: 'P2021' });
      await database.query('ALTER TABLE "Hidden" RENAME TO "User"');
      await expect(findBroken()).resolves.toMatchObject({ name: expect.any(String) });
    });
  });
}

test('invalidation by a stranger is refused', async () => {
  const database = await createSuiteDatabase();
  const { gateway, origin } = await openGateway({ databaseUrl: database.url });
  expect((await ask(origin, '/invalidate', { key: 'x', body: { tags: 'all' } })).body).toMatchObject({ code: 'P6002' });
  await gateway.close(0);
  await database.drop();
});

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
