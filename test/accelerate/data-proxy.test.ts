import { createHash } from 'node:crypto';
import { prisma6ByDefault, prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testCertificate } from '../../packages/gateway/src/node/certificate.fixture.ts';
import { ask } from './ask.ts';
import { type OpenedGateway, type OpenGatewayOptions, openGateway } from './open-gateway.ts';
import { find, raw, smallSchema, speakDataProxy } from './speak-data-proxy.ts';

let database: TestDatabase;
const opened: OpenedGateway[] = [];
const clients: SuiteClient[] = [];

beforeAll(async () => {
  database = await createSuiteDatabase();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.$disconnect()));
  await Promise.all(opened.splice(0).map(({ gateway }) => gateway.close(0)));
});
afterAll(() => database?.drop());

async function open(options: Partial<OpenGatewayOptions> = {}): Promise<OpenedGateway> {
  const gateway = await openGateway({ databaseUrl: database.url, ...options });
  opened.push(gateway);
  return gateway;
}

function connect(url: string): SuiteClient {
  const client = prisma6WithoutEngine().openAccelerate(url);
  clients.push(client);
  return client;
}

async function openWithClient(): Promise<OpenedGateway & { prisma: SuiteClient }> {
  const gateway = await open();
  return { ...gateway, prisma: connect(gateway.url) };
}

const routes = ({ log }: OpenedGateway): string[] =>
  log.flatMap(({ event, route, status }) => (event === 'http_accelerate' ? [`${route} ${status}`] : []));

describe('the schema', () => {
  test('is asked for once, then known', async () => {
    const gateway = await open();
    const prisma = connect(gateway.url);
    expect(await prisma.user.count()).toBe(3);
    expect(await prisma.user.count()).toBe(3);
    expect(routes(gateway)).toEqual([
      'data-proxy/graphql 404',
      'data-proxy/schema 200',
      'data-proxy/graphql 200',
      'data-proxy/graphql 200',
    ]);
  });

  test('is each key’s own: another that knows only its hash has to show it too', async () => {
    const { origin, keys } = await open({ keys: [{}, {}] });
    const [mine, theirs] = keys.map(({ key }) => speakDataProxy(origin, { key, schema: smallSchema() }));
    expect((await mine!.query(find('Category'))).body).toEqual({ EngineNotStarted: { reason: 'SchemaMissing' } });
    expect(await mine!.upload()).toMatchObject({ status: 200 });
    expect((await mine!.query(find('Category'))).body).toMatchObject({ data: { findMany: [{}, {}] } });
    expect(await theirs!.query(find('Category'))).toMatchObject({
      status: 404,
      body: { EngineNotStarted: { reason: 'SchemaMissing' } },
    });
  });

  test('must be what its hash says, Base64, UTF-8 and not too large', async () => {
    const { origin, keys } = await open();
    const { key } = keys[0]!;
    const put = (body: string, hash = createHash('sha256').update(body).digest('hex')) =>
      ask(origin, `/6.19.3/${hash}/schema`, { key, method: 'PUT', body });
    const base64 = Buffer.from(smallSchema()).toString('base64');
    expect((await put(base64)).status).toBe(200);
    for (const wrong of [put(base64, 'a'.repeat(64)), put('%'), put(Buffer.from([0xc3, 0x28]).toString('base64'))]) {
      expect(await wrong).toMatchObject({ status: 400, body: { error_code: 'P6000', is_panic: false } });
    }
    expect(await put('x'.repeat(2_100_000))).toMatchObject({ status: 413, body: { error_code: 'P6000' } });
  });
});

test('a client that has an engine goes the same way by such a URL', async () => {
  const gateway = await open();
  const prisma = prisma6ByDefault().openAccelerate(gateway.url);
  clients.push(prisma);
  expect(await prisma.user.count()).toBe(3);
  expect(routes(gateway)).toContain('data-proxy/graphql 200');
});

test('a prisma:// URL, which is always https', async () => {
  const { gateway, keys } = await open({ settings: { tls: testCertificate } });
  // The certificate is nobody's.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const prisma = connect(`prisma://127.0.0.1:${gateway.httpAddress.port}/?api_key=${keys[0]!.key}`);
    expect(await prisma.user.count()).toBe(3);
    const both = await prisma.$transaction(async (tx) => [await tx.user.count(), await tx.post.count()]);
    expect(both).toEqual([3, 4]);
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

describe('several queries in one request', () => {
  test('outside a transaction each has its own result or error', async () => {
    const { origin, keys } = await open();
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    await caller.upload();
    const { status, body } = await caller.query({
      batch: [raw('SELECT 1 AS n'), raw('SELECT 1/0'), find('Category', { where: { name: 'db' } })],
    });
    expect(status).toBe(200);
    expect(body.batchResult).toEqual([
      { data: { queryRaw: { columns: ['n'], types: ['int'], rows: [[1]] } } },
      { errors: [expect.objectContaining({ user_facing_error: expect.objectContaining({ error_code: 'P2010' }) })] },
      { data: { findMany: [{ id: 1, name: 'db' }] } },
    ]);
  });

  test('in a transaction all or nothing; the error says whose it is', async () => {
    const { origin, keys } = await open();
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    await caller.upload();
    const create = (name: string) => find('Category', { data: { name } }, 'createOne');
    const transaction = { isolationLevel: 'Serializable' };
    const failed = await caller.query({ batch: [create('b1'), create('db'), create('b2')], transaction });
    expect(failed.body.errors).toMatchObject([{ user_facing_error: { error_code: 'P2002', batch_request_idx: 1 } }]);
    const done = await caller.query({ batch: [create('b1'), raw('SHOW transaction_isolation')], transaction });
    expect(done.body.batchResult).toMatchObject([
      { data: { createOne: { name: 'b1' } } },
      { data: { queryRaw: { rows: [['serializable']] } } },
    ]);
    expect(await database.query(`DELETE FROM "Category" WHERE name LIKE 'b%' RETURNING name`)).toEqual([
      { name: 'b1' },
    ]);
  });

  test('in an interactive transaction they are part of it', async () => {
    const { origin, keys } = await open();
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    await caller.upload();
    const { body } = await caller.post('transaction/start', { body: { max_wait: 5_000, timeout: 10_000 } });
    const batch = [1, 2].map((id) => find('Category', { where: { id } }, 'findUnique'));
    const answer = await caller.post(`itx/${body.id}/graphql`, { body: { batch } });
    expect(answer.body.batchResult).toMatchObject([
      { data: { findUnique: { id: 1 } } },
      { data: { findUnique: { id: 2 } } },
    ]);
    expect((await caller.post(`itx/${body.id}/commit`)).status).toBe(200);
  });
});

describe('very many queries in one request', () => {
  const ids = Array.from({ length: 600 }, (_, index) => index);

  test('that look alike: each gets its row', async () => {
    const { prisma } = await openWithClient();
    const found = await Promise.all(ids.map((id) => prisma.user.findUnique<{ id: number }>({ where: { id } })));
    expect(found.flatMap((user) => (user === null ? [] : [user.id]))).toEqual([1, 2, 3]);
    expect(found.slice(0, 5).map((user) => user?.id)).toEqual([undefined, 1, 2, 3, undefined]);
  });

  test('that belong together: all or nothing', async () => {
    const { prisma, origin, keys } = await openWithClient();
    const create = (name: string) => prisma.category.create({ data: { name }, select: { name: true } });
    const names = ids.map((id) => `many ${id}`);
    expect(await prisma.$transaction(names.map(create))).toEqual(names.map((name) => ({ name })));
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    await caller.upload();
    const batch = ids.map((id) => find('Category', { data: { name: id === 400 ? 'db' : `more ${id}` } }, 'createOne'));
    const { body } = await caller.query({ batch, transaction: {} });
    expect(body.errors).toMatchObject([{ user_facing_error: { error_code: 'P2002', batch_request_idx: 400 } }]);
    const rows = await database.query<{ name: string }>(`DELETE FROM "Category" WHERE name LIKE 'm%' RETURNING name`);
    expect(rows.length).toBe(600);
  });
});

describe('the address of a transaction', () => {
  const endpointOf = async (
    { origin, keys }: OpenedGateway,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    const { body } = await caller.post('transaction/start', { body: { max_wait: 5_000, timeout: 5_000 }, headers });
    const { endpoint } = body['data-proxy'] as { endpoint: string };
    expect(endpoint).toContain(`${caller.base}/itx/${body.id}`);
    await caller.post(`itx/${body.id}/rollback`);
    return new URL(endpoint).origin;
  };

  test('is where the request came to, or where a proxy in front says', async () => {
    const gateway = await open();
    expect(await endpointOf(gateway)).toBe(gateway.origin);
    expect(await endpointOf(gateway, { 'x-forwarded-host': 'gate.example.com' })).toBe('https://gate.example.com');
  });

  test('is what the operator says before all else', async () => {
    const gateway = await open({ settings: { publicOrigin: 'https://gate.example.com:8443' } });
    expect(await endpointOf(gateway, { 'x-forwarded-host': 'other.example.com' })).toBe(
      'https://gate.example.com:8443',
    );
  });
});

describe('compilers', { timeout: 60_000 }, () => {
  test('of two schemas that take turns in one place', async () => {
    const { origin, keys } = await open({ settings: { compilers: { maxCompilers: 1, maxPlanBytes: 1_024 } } });
    const callers = ['First', 'Second'].map((model) => ({
      model,
      caller: speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema(model) }),
    }));
    for (const { caller } of callers) await caller.upload();
    for (const round of [1, 2]) {
      for (const { model, caller } of callers) {
        const { body } = await caller.query(find(model, { where: { id: round } }));
        expect(body, model).toMatchObject({ data: { findMany: [{ id: round }] } });
      }
    }
  });

  test('a schema that no compiler survives is refused as one, and costs nobody else anything', async () => {
    const { origin, keys } = await open();
    const nested = `${smallSchema()}model Bad {\n  id Int @id @default(${'['.repeat(20_000)}${']'.repeat(20_000)})\n}\n`;
    const [bad, good] = [nested, smallSchema()].map((schema) => speakDataProxy(origin, { key: keys[0]!.key, schema }));
    await Promise.all([bad!.upload(), good!.upload()]);
    const [refused, answered] = await Promise.all([bad!.query(find('Category')), good!.query(find('Category'))]);
    expect(refused).toMatchObject({
      status: 400,
      body: {
        EngineNotStarted: { reason: { KnownEngineStartupError: { error_code: 'P1012', msg: expect.any(String) } } },
      },
    });
    expect(answered.body).toMatchObject({ data: { findMany: expect.any(Array) } });
  });

  test('a query that would be compiled for ever is given up, and the next one is not', async () => {
    const { origin, keys } = await open({ settings: { compilers: { compileTimeoutMs: 4_000 } } });
    const fields = Array.from({ length: 40_000 }, (_, index) => `  f${index} Int?\n`);
    const schema = `${smallSchema()}model Wide {\n  id Int @id\n${fields.join('')}}\n`;
    const caller = speakDataProxy(origin, { key: keys[0]!.key, schema });
    await caller.upload();
    expect(await caller.query(find('Wide'))).toMatchObject({
      status: 504,
      body: { error_code: 'P6004', message: expect.stringContaining('4 s to compile') },
    });
    const other = speakDataProxy(origin, { key: keys[0]!.key, schema: smallSchema() });
    await other.upload();
    await expect.poll(async () => (await other.query(find('Category'))).status, { timeout: 20_000 }).toBe(200);
  });
});
