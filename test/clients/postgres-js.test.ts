// `postgres` (postgres.js) over TCP, unmodified, with the pool asked for by the `?pooled=true` of its URL, which it sends as a
// start-up parameter. It prepares every query and pipelines.
import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';

let pooled: PooledGateway;
let noise: NoisyCaller;
const opened: Sql[] = [];

beforeAll(async () => {
  pooled = await openPooledGateway();
  await pooled.database.query(`
    CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, tags text[], data jsonb);
    INSERT INTO items SELECT n, 'item ' || n, ARRAY['a', 'b'], '{"n": 1}' FROM generate_series(1, 1000) n`);
  noise = await startNoisyCaller(pooled.tcpUrl);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((sql) => sql.end()));
});

afterAll(async () => {
  await noise.stop();
  await pooled.close();
});

function open(options: postgres.Options<Record<string, never>> = {}): Sql {
  const sql = postgres(pooled.tcpUrl.replace(/\?.*/, '?pooled=true'), { max: 4, prepare: true, ...options });
  opened.push(sql);
  return sql;
}

test('prepared queries with values of many kinds', async () => {
  const sql = open();
  for (let id = 1; id <= 30; id++) {
    expect(await sql`SELECT name, tags, data FROM items WHERE id = ${id}`).toEqual([
      { name: `item ${id}`, tags: ['a', 'b'], data: { n: 1 } },
    ]);
  }
  const moment = new Date('2026-02-03T04:05:06.789Z');
  expect(
    await sql`SELECT ${moment}::timestamptz AS moment, ${sql.json({ a: [1] })}::jsonb AS json, ${sql.array([1, 2])}::int[] AS list,
                     ${Buffer.from([0, 255])}::bytea AS bytes, ${null}::text AS nothing, ${12n as never}::int8 AS big`,
  ).toEqual([{ moment, json: { a: [1] }, list: [1, 2], bytes: Buffer.from([0, 255]), nothing: null, big: '12' }]);
});

test("the noisy caller's names and settings are not seen", async () => {
  const sql = open({ max: 1 });
  for (let round = 0; round < 20; round++) {
    expect(
      await sql`SELECT '2026-02-03'::date::text AS day, '\\x00'::bytea::text AS bytes, current_schema() AS schema`,
    ).toEqual([{ day: '2026-02-03', bytes: '\\x00', schema: 'public' }]);
  }
});

test('begin, savepoint, rollback', async () => {
  const sql = open();
  const result = await sql.begin(async (tx) => {
    await tx`INSERT INTO items (id, name) VALUES (2001, 'kept')`;
    await tx
      .savepoint(async (inner) => {
        await inner`INSERT INTO items (id, name) VALUES (2002, 'undone')`;
        throw new Error('changed my mind');
      })
      .catch(() => {});
    return tx`SELECT name FROM items WHERE id > 2000`;
  });
  expect(result).toEqual([{ name: 'kept' }]);
  await expect(
    sql.begin(async (tx) => {
      await tx`DELETE FROM items`;
      await tx`SELECT 1 / 0`;
    }),
  ).rejects.toMatchObject({ code: '22012' });
  expect(await sql`SELECT count(*)::int AS n FROM items`).toEqual([{ n: 1001 }]);
});

test('a hundred pipelined queries, some failing', async () => {
  const sql = open();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      (n % 9 === 0 ? sql`SELECT 1 / (${n}::int - ${n}::int) AS n` : sql`SELECT ${n}::int AS n`).then(
        ([row]) => row?.n,
        ({ code }) => code,
      ),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => (n % 9 === 0 ? '22012' : n)));
});

test('listen', async () => {
  const sql = open();
  const heard: string[] = [];
  const { unlisten } = await sql.listen('news', (payload) => void heard.push(payload));
  await sql.notify('news', 'one');
  await pooled.database.query(`NOTIFY news, 'two'`);
  await expect.poll(() => heard).toEqual(['one', 'two']);
  await unlisten();
  await sql.notify('news', 'too late');
  await sql`SELECT 1`;
  expect(heard).toEqual(['one', 'two']);
});

test('cursors and forEach', async () => {
  const sql = open();
  const sizes: number[] = [];
  await sql`SELECT id FROM items WHERE id <= 1000`.cursor(300, (rows) => void sizes.push(rows.length));
  expect(sizes).toEqual([300, 300, 300, 100]);
  let sum = 0;
  await sql`SELECT id FROM items WHERE id <= 1000`.forEach(({ id }) => {
    sum += id;
  });
  expect(sum).toBe(500_500);
});

test('cancel', async () => {
  const sql = open();
  const slow = sql`SELECT pg_sleep(63)`;
  const refused = expect(slow).rejects.toMatchObject({ code: '57014' });
  await expect
    .poll(() =>
      pooled.database.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(63)'`,
      ),
    )
    .toHaveLength(1);
  slow.cancel();
  await refused;
  expect(await sql`SELECT 1 AS n`).toEqual([{ n: 1 }]);
});

test('copy in and out', async () => {
  const sql = open();
  await sql`CREATE TABLE copied (id int, name text)`;
  const into = await sql`COPY copied FROM STDIN`.writable();
  for (let id = 1; id <= 5000; id++) into.write(`${id}\tname ${id}\n`);
  await new Promise<void>((resolve, reject) => into.on('error', reject).on('finish', resolve).end());
  expect(await sql`SELECT count(*)::int AS n, sum(id)::int AS sum FROM copied`).toEqual([{ n: 5000, sum: 12_502_500 }]);
  let lines = 0;
  for await (const chunk of await sql`COPY copied TO STDOUT`.readable()) lines += String(chunk).split('\n').length - 1;
  expect(lines).toBe(5000);
});

test('start-up settings and the wrong password', async () => {
  const sql = open({ connection: { application_name: 'named', search_path: 'pg_catalog', TimeZone: 'Asia/Kolkata' } });
  expect(
    await sql`SELECT current_setting('application_name') AS app, current_setting('search_path') AS path, current_setting('TimeZone') AS zone`,
  ).toEqual([{ app: 'named', path: 'pg_catalog', zone: 'Asia/Kolkata' }]);
  await expect(open({ password: 'wrong' })`SELECT 1`).rejects.toMatchObject({ code: '28P01' });
});
