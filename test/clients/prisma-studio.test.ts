// Prisma Studio with the pooled URL, on two server connections that another caller uses as well.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';
import { createPrismaProject, type PrismaProject } from './prisma-program.ts';
import { type Studio, type StudioTable, startStudio, unwrap } from './prisma-studio.ts';

let pooled: PooledGateway;
let noise: NoisyCaller;
let project: PrismaProject;
let studio: Studio;

beforeAll(async () => {
  pooled = await openPooledGateway();
  await pooled.database.query(`
    CREATE TYPE "Mood" AS ENUM ('calm', 'wild');
    CREATE TABLE "Animal" (id serial PRIMARY KEY, name text NOT NULL, mood "Mood" DEFAULT 'calm', born timestamptz, tags text[]);
    CREATE SCHEMA shop;
    CREATE TABLE shop.goods (sku uuid PRIMARY KEY DEFAULT gen_random_uuid(), price numeric(8, 2), data jsonb, animal int REFERENCES "Animal");
    INSERT INTO "Animal" (name, born, tags) SELECT 'animal ' || n, '2026-01-02 03:04:05+00', ARRAY['a', 'b'] FROM generate_series(1, 30) n`);
  noise = await startNoisyCaller(pooled.tcpUrl);
  project = createPrismaProject();
  studio = await startStudio(project.folder, pooled.tcpUrl);
});

afterAll(async () => {
  await studio?.stop();
  await noise?.stop();
  if (project !== undefined) rmSync(project.folder, { recursive: true });
  await pooled?.close();
});

const options = { abortSignal: new AbortController().signal };

async function tableOf(schema: string, name: string): Promise<StudioTable> {
  const table = unwrap(await studio.adapter.introspect({})).schemas[schema]?.tables[name];
  if (table === undefined) throw new Error(`Studio sees no table ${schema}.${name}`);
  return table;
}

test('serves its page, and sees schemas, tables, columns and types', async () => {
  expect(await studio.page()).toContain('window.__STUDIO_CONFIG__ = {"adapter":"postgres"}');
  const { schemas } = unwrap(await studio.adapter.introspect({}));
  expect(Object.keys(schemas).sort()).toEqual(['public', 'shop']);
  expect((await tableOf('public', 'Animal')).columns).toMatchObject({
    id: { isAutoincrement: true, pkPosition: 1, datatype: { name: 'int4' } },
    mood: { datatype: { name: 'Mood', group: 'enum', options: ['calm', 'wild'] } },
    tags: { datatype: { isArray: true } },
  });
  expect((await tableOf('shop', 'goods')).columns).toMatchObject({ animal: { fkTable: 'Animal', fkColumn: 'id' } });
});

test('shows a page of rows, sorted and filtered', async () => {
  const table = await tableOf('public', 'Animal');
  const filter = {
    ...{ kind: 'FilterGroup', after: 'and', id: 'g' },
    filters: [{ kind: 'ColumnFilter', column: 'name', operator: 'like', value: 'animal 1%', after: 'and', id: 'f' }],
  };
  const sortOrder = [{ column: 'id', direction: 'desc' }];
  const shown = unwrap(await studio.adapter.query({ table, filter, sortOrder, pageIndex: 1, pageSize: 4 }, options));
  expect(Number(shown.filteredRowCount)).toBe(11);
  expect(shown.rows.map(({ id }) => id)).toEqual([15, 14, 13, 12]);
  expect(shown.rows[0]).toMatchObject({ name: 'animal 15', mood: 'calm' });
});

test('inserts, edits one row and several, deletes', async () => {
  const table = await tableOf('public', 'Animal');
  const { adapter } = studio;
  const inserted = unwrap(await adapter.insert({ table, rows: [{ name: 'new' }, { name: 'newer' }] }, options)).rows;
  expect(inserted.map(({ name }) => name)).toEqual(['new', 'newer']);
  const [first, second] = inserted as [(typeof inserted)[0], (typeof inserted)[0]];
  const { row } = unwrap(await adapter.update({ table, row: first, changes: { mood: 'wild' } }, options));
  expect(row).toMatchObject({ name: 'new', mood: 'wild' });
  const { rows } = unwrap(
    await adapter.updateMany(
      {
        table,
        updates: [
          { table, row, changes: { name: 'edited' } },
          { table, row: second, changes: { name: 'edited too' } },
        ],
      },
      options,
    ),
  );
  expect(rows.map(({ name }) => name)).toEqual(['edited', 'edited too']);
  const names = (): Promise<unknown> =>
    pooled.database.query(`SELECT name, mood FROM "Animal" WHERE name NOT LIKE 'animal %' ORDER BY id`);
  expect(await names()).toEqual([
    { name: 'edited', mood: 'wild' },
    { name: 'edited too', mood: 'calm' },
  ]);
  unwrap(await adapter.delete({ table, rows }, options));
  expect(await names()).toEqual([]);
});

test('runs SQL that somebody types, and says what is wrong with it', async () => {
  const { adapter } = studio;
  const typed = (sql: string) => adapter.raw({ sql }, options);
  expect(unwrap(await typed('SELECT count(*)::int AS n FROM shop.goods')).rows).toEqual([{ n: 0 }]);
  // Studio loses the text of errors, also without a gateway; the next query must not notice.
  expect((await typed('SELECT 1 / 0'))[0]).toBeInstanceOf(Error);
  expect(unwrap(await typed('SELECT 2 AS n')).rows).toEqual([{ n: 2 }]);
  expect(unwrap(await adapter.sqlLint({ sql: 'SELECT nope FROM "Animal"' }, options)).diagnostics).toMatchObject([
    { message: expect.stringContaining('nope') },
  ]);
});
