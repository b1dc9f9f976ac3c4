// apps/cloudflare-worker in workerd, bundled by wrangler, and its one command of local development.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from '../prisma-adapter/open-gateway.ts';
import { openAppFolder } from './app-folder.ts';

const app = openAppFolder('cloudflare-worker');
const bundleFolder = mkdtempSync(join(tmpdir(), 'postern-worker-'));
let database: TestDatabase;
let gateway: OpenedGateway;
let worker: Miniflare;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await openGateway(database);
  await app.run(`npm run check && npx wrangler deploy --dry-run --outdir ${bundleFolder}`);
  worker = new Miniflare({
    modules: readdirSync(bundleFolder)
      .filter((file) => /\.(js|wasm)$/.test(file))
      // The first one is the entry.
      .sort((a, b) => Number(b === 'index.js') - Number(a === 'index.js'))
      .map((file) => ({
        type: file.endsWith('.wasm') ? ('CompiledWasm' as const) : ('ESModule' as const),
        path: file,
        contents: readFileSync(join(bundleFolder, file)),
      })),
    compatibilityDate: JSON.parse(readFileSync(join(app.path, 'wrangler.jsonc'), 'utf8')).compatibility_date,
    bindings: { DATABASE_URL: gateway.url() },
    cf: false,
  });
}, 120_000);

afterAll(async () => {
  await worker?.dispose();
  await gateway?.close();
  await database?.drop();
  await app.close();
  rmSync(bundleFolder, { recursive: true });
});

beforeEach(async () => {
  await database.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await database.query(readFileSync(join(app.path, 'schema.sql'), 'utf8'));
});

async function ask(path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await worker.dispatchFetch(`http://shop${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const buy = (productId: unknown, quantity: unknown): Promise<{ status: number; body: unknown }> =>
  ask('/purchases', { productId, quantity });

test('sells in a transaction, and lists what was sold', async () => {
  expect(await buy(1, 2)).toEqual({ status: 201, body: { id: 1 } });
  expect(await ask('/purchases')).toEqual({
    status: 200,
    body: [{ id: 1, name: 'Lantern', quantity: 2, boughtAt: expect.stringMatching(/^\d{4}-.*Z$/) }],
  });
  expect(await database.query('SELECT stock FROM product WHERE id = 1')).toEqual([{ stock: 10 }]);
});

test('sells no more than there is, whoever is first', async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => buy(3, 1)));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409]);
  expect(await database.query('SELECT stock FROM product WHERE id = 3')).toEqual([{ stock: 0 }]);
  expect(await database.query('SELECT count(*)::int AS sold FROM purchase')).toEqual([{ sold: 3 }]);
});

test('says what is wrong with a purchase', async () => {
  for (const [productId, quantity] of [
    ['1', 1],
    [1, 0],
    [1, 1.5],
  ]) {
    expect(await buy(productId, quantity)).toMatchObject({ status: 400 });
  }
  expect(await buy(99, 1)).toEqual({ status: 409, body: { error: 'not that many in stock' } });
  for (const body of ['not JSON', '', 'null', '[]']) {
    const response = await worker.dispatchFetch('http://shop/purchases', { method: 'POST', body });
    expect(response.status).toBe(400);
  }
});

test('streams a table of any length', async () => {
  await database.query(`
    INSERT INTO purchase (product_id, quantity, bought_at)
    SELECT 2, n, '2026-11-24T12:00:00Z' FROM generate_series(1, 20000) AS n`);
  const response = await worker.dispatchFetch('http://shop/purchases/export.csv');
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  const lines = (await response.text()).split('\r\n');
  expect(lines).toHaveLength(20_002);
  expect(lines.slice(0, 2)).toEqual(['id,product,quantity,bought at', '1,2,1,2026-11-24T12:00:00.000Z']);
  expect(lines.at(-2)).toBe('20000,2,20000,2026-11-24T12:00:00.000Z');
});

test('a reader who leaves ends the query', async () => {
  // Rows that take minutes altogether.
  await database.query(`
    INSERT INTO purchase (product_id, quantity) SELECT 2, 1 FROM generate_series(1, 100000);
    ALTER TABLE purchase RENAME TO purchase_row;
    CREATE VIEW purchase AS
      SELECT id, product_id, quantity + length(pg_sleep(0.002)::text) AS quantity, bought_at FROM purchase_row ORDER BY id`);
  const running = (): Promise<unknown[]> =>
    database.query(`
      SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'active' AND query ~ 'FROM purchase' AND pid <> pg_backend_pid()`);
  const response = await worker.dispatchFetch('http://shop/purchases/export.csv');
  const reader = response.body?.getReader();
  const read = async (): Promise<string> => new TextDecoder().decode((await reader?.read())?.value);
  expect(await read()).toMatch(/^id,product/);
  expect(await read()).toMatch(/^1,2,1,/);
  expect(await running()).toHaveLength(1);
  await reader?.cancel();
  await expect.poll(running, { timeout: 20_000 }).toEqual([]);
});

test('reads the same tables with Prisma', async () => {
  await buy(1, 2);
  await buy(1, 3);
  expect(await ask('/products')).toEqual({
    status: 200,
    body: [
      { id: 1, name: 'Lantern', price: '24.9', stock: 7 },
      { id: 3, name: 'Map', price: '6', stock: 3 },
      { id: 2, name: 'Rope, 20 m', price: '17.5', stock: 40 },
    ],
  });
  expect(await ask('/products/1')).toMatchObject({
    status: 200,
    body: { name: 'Lantern', purchases: [{ quantity: 3 }, { quantity: 2 }] },
  });
  expect(await ask('/products/99')).toEqual({ status: 404, body: { error: 'no such product' } });
});

test('Prisma answers many requests at the same time', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(`/products/${(n % 3) + 1}`)));
  expect(answers.map(({ body }) => (body as { id: number }).id)).toEqual(
    Array.from({ length: 20 }, (_, n) => (n % 3) + 1),
  );
});

test('README: the one command of local development', async () => {
  const [dev, ...more] = app.runnableBlocks();
  expect(more).toEqual([]);
  // On ports nobody else has.
  const running = app.start(`${dev?.trim()} -- --port 0 --inspector-port 0`);
  const [, address] = await running.printed(/Ready on (http:\S+)/);
  const products = await (await fetch(`${address}/products`)).json();
  expect(products).toContainEqual(expect.objectContaining({ name: 'Lantern' }));
  const purchase = await fetch(`${address}/purchases`, { method: 'POST', body: '{"productId":99,"quantity":1}' });
  expect(purchase.status).toBe(409);
  await running.stop();
}, 60_000);
