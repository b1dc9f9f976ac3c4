// A generated Prisma 7 client over @prisma/adapter-neon, unmodified, through WebSockets on the pooled connection with
// another caller on the same two connections.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { neonConfig } from '@neondatabase/serverless';
import { PrismaNeon } from '@prisma/adapter-neon';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectionStrings, snippets } from '../../apps/postern/src/dev/banner.ts';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';
import { createPrismaProject, generatedFolder, runPrisma } from './prisma-program.ts';

/** As much of the generated client as these tests use: its own types exist only after it was generated. */
interface PrismaClient {
  readonly user: Model;
  readonly post: Model;
  readonly tag: Model;
  $transaction<T>(run: (tx: PrismaClient) => Promise<T>, options?: object): Promise<T>;
  $transaction(queries: readonly Promise<unknown>[], options?: object): Promise<unknown[]>;
  $queryRaw<T = Record<string, unknown>[]>(strings: TemplateStringsArray, ...values: unknown[]): Promise<T>;
  $queryRawUnsafe<T = Record<string, unknown>[]>(sql: string, ...values: unknown[]): Promise<T>;
  $executeRaw(strings: TemplateStringsArray, ...values: unknown[]): Promise<number>;
  $disconnect(): Promise<void>;
}
type Row = Record<string, unknown>;
interface Model {
  create(query: object): Promise<Row>;
  createMany(query: object): Promise<{ count: number }>;
  findMany(query?: object): Promise<Row[]>;
  findUnique(query: object): Promise<Row | null>;
  findUniqueOrThrow(query: object): Promise<Row>;
  update(query: object): Promise<Row>;
  updateMany(query: object): Promise<{ count: number }>;
  upsert(query: object): Promise<Row>;
  delete(query: object): Promise<Row>;
  deleteMany(query?: object): Promise<{ count: number }>;
  count(query?: object): Promise<number>;
  aggregate(query: object): Promise<Row>;
  groupBy(query: object): Promise<Row[]>;
}

let pooled: PooledGateway;
let noise: NoisyCaller;
let prisma: PrismaClient;
let connect: (url: string) => PrismaClient;

beforeAll(async () => {
  pooled = await openPooledGateway();
  await pushSchema();
  const { PrismaClient } = (await import(await generateClient())) as {
    PrismaClient: new (options: { adapter: PrismaNeon }) => PrismaClient;
  };
  // The adapter has its own copy of the driver, whose settings are its own.
  Object.assign(await driverOfTheAdapter(), pooled.driverSettings);
  connect = (connectionString) => new PrismaClient({ adapter: new PrismaNeon({ connectionString }) });
  prisma = connect(pooled.poolerUrl);
  noise = await startNoisyCaller(pooled.tcpUrl);
});

beforeEach(() => pooled.database.query('TRUNCATE "User", "Profile", "Post", "Tag", "_PostToTag" RESTART IDENTITY'));

afterAll(async () => {
  await prisma.$disconnect();
  await noise.stop();
  await pooled.close();
});

/** Generates once for each schema and version; returns the module to import. */
async function generateClient(): Promise<string> {
  const require = createRequire(import.meta.url);
  const schema = join(import.meta.dirname, 'prisma/schema.prisma');
  const hash = createHash('sha256').update(readFileSync(schema));
  for (const name of ['prisma', '@prisma/client']) hash.update(String(require(`${name}/package.json`).version));
  const folder = join(generatedFolder, `client-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    const project = createPrismaProject();
    const { code, output } = await runPrisma(['generate', '--schema', project.schemaPath], project.folder);
    if (code !== 0) throw new Error(output);
    mkdirSync(generatedFolder, { recursive: true });
    // Another run may have been faster.
    if (!existsSync(folder)) renameSync(join(project.folder, 'generated/prisma'), folder);
    rmSync(project.folder, { recursive: true });
  }
  return pathToFileURL(join(folder, 'client.ts')).href;
}

async function pushSchema(): Promise<void> {
  const project = createPrismaProject();
  const { code, output } = await project.run(['db', 'push'], pooled.tcpUrl);
  rmSync(project.folder, { recursive: true });
  if (code !== 0) throw new Error(output);
}

function pathOfTheAdaptersDriver(): string {
  const driver = createRequire(import.meta.resolve('@prisma/adapter-neon')).resolve('@neondatabase/serverless');
  return pathToFileURL(driver.replace(/index\.js$/, 'index.mjs')).href;
}

async function driverOfTheAdapter(): Promise<typeof neonConfig> {
  return ((await import(pathOfTheAdaptersDriver())) as { neonConfig: typeof neonConfig }).neonConfig;
}

const moment = new Date('2026-02-03T04:05:06.789Z');
const post = {
  title: 'Gates',
  views: 9007199254740993n,
  rating: '4.50',
  score: 0.1,
  data: { a: [1, null, 'ä"'] },
  cover: new Uint8Array([0, 255, 92]),
  labels: ['a,b', 'c"d', ''],
  createdAt: moment,
};

describe('models', () => {
  test('nested writes and reads of every type', async () => {
    const written = await prisma.user.create({
      data: {
        email: 'ada@example.com',
        role: 'WRITER',
        profile: { create: { bio: 'first' } },
        posts: { create: [{ ...post, tags: { create: [{ name: 'sql' }, { name: 'edge' }] } }, { title: 'Second' }] },
      },
      include: { profile: true, posts: { include: { tags: { orderBy: { name: 'asc' } } }, orderBy: { id: 'asc' } } },
    });
    expect(written).toMatchObject({
      id: 1,
      email: 'ada@example.com',
      role: 'WRITER',
      profile: { bio: 'first', userId: 1 },
      posts: [
        { ...post, rating: expect.anything(), tags: [{ name: 'edge' }, { name: 'sql' }] },
        { title: 'Second', views: 0n, labels: [], tags: [] },
      ],
    });
    expect(String((written.posts as Row[])[0]?.rating)).toBe('4.5');
    const found = await prisma.user.findUnique({
      where: { email: 'ada@example.com' },
      include: { profile: true, posts: { include: { tags: { orderBy: { name: 'asc' } } }, orderBy: { id: 'asc' } } },
    });
    expect(found).toEqual(written);
  });

  test('update, upsert, connect, count, group, delete', async () => {
    await prisma.tag.createMany({ data: ['a', 'b', 'c'].map((name) => ({ name })) });
    await prisma.user.create({
      data: { email: 'a@x', posts: { create: { title: 'One', tags: { connect: { name: 'a' } } } } },
    });
    expect(
      await prisma.user.update({
        where: { email: 'a@x' },
        data: {
          posts: {
            update: { where: { id: 1 }, data: { views: { increment: 5 }, tags: { set: [{ name: 'b' }] } } },
            connectOrCreate: { where: { id: 99 }, create: { title: 'Two' } },
          },
        },
        include: {
          posts: { select: { title: true, views: true, tags: { select: { name: true } } }, orderBy: { id: 'asc' } },
        },
      }),
    ).toMatchObject({
      posts: [
        { title: 'One', views: 5n, tags: [{ name: 'b' }] },
        { title: 'Two', views: 0n, tags: [] },
      ],
    });
    const upsert = { where: { email: 'b@x' }, create: { email: 'b@x' }, update: { name: 'again' } };
    expect([await prisma.user.upsert(upsert), await prisma.user.upsert(upsert)]).toMatchObject([
      { name: null },
      { name: 'again' },
    ]);
    expect(await prisma.post.groupBy({ by: ['authorId'], _sum: { views: true }, _count: true })).toEqual([
      { authorId: 1, _sum: { views: 5n }, _count: 2 },
    ]);
    expect(await prisma.post.aggregate({ _max: { views: true }, _avg: { score: true } })).toEqual({
      _max: { views: 5n },
      _avg: { score: null },
    });
    expect(await prisma.user.delete({ where: { id: 1 } })).toMatchObject({ email: 'a@x' });
    expect(await prisma.post.count()).toBe(0);
  });

  test('more values than one statement may have', async () => {
    const ids = Array.from({ length: 40_000 }, (_, n) => n);
    await prisma.user.createMany({ data: ids.slice(1, 3001).map((n) => ({ email: `${n}@x` })) });
    expect(await prisma.user.findMany({ where: { id: { in: ids } } })).toHaveLength(3000);
  });
});

describe('transactions', () => {
  test('from an array', async () => {
    expect(
      await prisma.$transaction([
        prisma.user.create({ data: { email: 'a@x' } }),
        prisma.user.count(),
        prisma.$executeRaw`UPDATE "User" SET "name" = 'raw'`,
      ]),
    ).toMatchObject([{ id: 1 }, 1, 1]);
    const failing = prisma.$transaction([
      prisma.user.create({ data: { email: 'b@x' } }),
      prisma.user.create({ data: { email: 'a@x' } }),
    ]);
    await expect(failing).rejects.toMatchObject({ code: 'P2002' });
    expect(await prisma.user.count()).toBe(1);
  });

  test('interactive, with isolation, rolled back by an exception', async () => {
    const level = await prisma.$transaction(
      async (tx) => {
        await tx.user.create({ data: { email: 'a@x' } });
        return tx.$queryRaw`SELECT current_setting('transaction_isolation') AS level`;
      },
      { isolationLevel: 'Serializable' },
    );
    expect(level).toEqual([{ level: 'serializable' }]);
    await expect(
      prisma.$transaction(async (tx) => {
        await tx.user.deleteMany();
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await prisma.user.count()).toBe(1);
  });

  test('many at once over two server connections, none seeing another', async () => {
    const counts = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        prisma
          .$transaction(
            async (tx) => {
              await tx.user.create({ data: { email: `${n}@x`, name: `caller ${n}` } });
              const own = await tx.user.findMany({ where: { name: `caller ${n}` } });
              if (n % 2) throw new Error('undo');
              return own.length;
            },
            { maxWait: 20_000, timeout: 20_000 },
          )
          .catch((error: Error) => error.message),
      ),
    );
    expect(counts).toEqual(Array.from({ length: 20 }, (_, n) => (n % 2 ? 'undo' : 1)));
    expect(await prisma.user.count()).toBe(10);
  });

  test('one that takes too long is rolled back and gives its connection back', async () => {
    await expect(
      prisma.$transaction(
        async (tx) => {
          await tx.user.create({ data: { email: 'slow@x' } });
          await new Promise((resolve) => setTimeout(resolve, 400));
          await tx.user.count();
        },
        { timeout: 100 },
      ),
    ).rejects.toMatchObject({ code: 'P2028' });
    expect(await prisma.user.count()).toBe(0);
  });
});

describe('raw queries', () => {
  test('with values and types', async () => {
    expect(
      await prisma.$queryRaw`SELECT ${1}::int AS int, ${2n}::bigint AS big, ${'t'} AS text, ${moment}::timestamptz AS moment,
        ${[1, 2]}::int[] AS list, '{"a":1}'::jsonb AS json, true AS flag, '2026-02-03'::date AS day, null AS nothing`,
    ).toEqual([
      {
        int: 1,
        big: 2n,
        text: 't',
        moment,
        list: [1, 2],
        json: { a: 1 },
        flag: true,
        day: new Date('2026-02-03T00:00:00.000Z'),
        nothing: null,
      },
    ]);
    expect(await prisma.$queryRawUnsafe('SELECT current_schema()::text AS schema WHERE 1 = $1', 1)).toEqual([
      { schema: 'public' },
    ]);
  });

  test('errors', async () => {
    await expect(prisma.$queryRaw`SELECT nonsense`).rejects.toMatchObject({
      code: 'P2010',
      message: expect.stringContaining('42703'),
    });
  });
});

describe('errors', () => {
  test("of constraints are Prisma's own", async () => {
    await prisma.user.create({ data: { email: 'a@x' } });
    await expect(prisma.user.create({ data: { email: 'a@x' } })).rejects.toMatchObject({ code: 'P2002' });
    await expect(prisma.post.create({ data: { title: 'x', authorId: 77 } })).rejects.toMatchObject({ code: 'P2003' });
    await expect(prisma.user.findUniqueOrThrow({ where: { id: 77 } })).rejects.toMatchObject({ code: 'P2025' });
    await expect(prisma.post.create({ data: { title: 'x', authorId: 1, rating: '1234.5' } })).rejects.toMatchObject({
      code: 'P2020',
    });
  });

  test('of the log-in too', async () => {
    const url = new URL(pooled.poolerUrl);
    url.password = 'wrong';
    const stranger = connect(url.href);
    await expect(stranger.user.count()).rejects.toMatchObject({ code: 'P1000' });
    await stranger.$disconnect();
    const nowhere = connect(pooled.poolerUrl.replace(pooled.database.name, 'nowhere'));
    await expect(nowhere.user.count()).rejects.toMatchObject({ code: 'P1003' });
    await nowhere.$disconnect();
  });
});

test('the program that postern dev prints', async () => {
  const addresses = { http: `127.0.0.1:${pooled.httpPort}`, tcp: `127.0.0.1:${pooled.tcpPort}` };
  const program = join(generatedFolder, `printed-${process.pid}.mts`);
  const text = snippets(addresses)
    .prisma.code.replace(connectionStrings(addresses.tcp).pooled, pooled.tcpUrl)
    .replace('./generated/prisma/client', await generateClient())
    .replace(`'@neondatabase/serverless'`, `'${pathOfTheAdaptersDriver()}'`);
  writeFileSync(program, text);
  const log = vi.spyOn(console, 'log').mockReturnValue();
  try {
    await import(program);
    expect(log.mock.calls).toEqual([['Prisma:', [{ version: expect.stringContaining('PostgreSQL') }]]]);
  } finally {
    log.mockRestore();
    rmSync(program);
    Object.assign(await driverOfTheAdapter(), pooled.driverSettings);
  }
});
