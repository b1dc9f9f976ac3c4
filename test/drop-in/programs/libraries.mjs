// drizzle over HTTP and WebSocket, kysely over both (as kysely-neon does it), Prisma's adapter for Neon over both.
import { neon, Pool } from '@neondatabase/serverless';
import { PrismaNeon, PrismaNeonHttp } from '@prisma/adapter-neon';
import { sql as dsql, eq } from 'drizzle-orm';
import { drizzle as dh } from 'drizzle-orm/neon-http';
import { drizzle as dw } from 'drizzle-orm/neon-serverless';
import {
  bigint,
  boolean,
  date,
  doublePrecision,
  integer,
  interval,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  point,
  serial,
  text,
  time,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import {
  Kysely,
  sql as ksql,
  PostgresAdapter,
  PostgresDialect,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import { describe, attempt as print, show, url } from './setup.mjs';

const attempt = (name, work) =>
  print(name, work, (error) => ({
    name: error.name,
    message: error.message,
    cause: error.cause && describe(error.cause),
  }));

// ---- drizzle
const mood = pgEnum('dmood', ['sad', 'ok']);
const t = pgTable('dt', {
  id: serial().primaryKey(),
  b: bigint({ mode: 'bigint' }),
  bn: bigint({ mode: 'number' }),
  f: boolean(),
  d: date(),
  dd: date({ mode: 'date' }),
  i: interval(),
  j: jsonb(),
  n: numeric(),
  m: mood(),
  ma: mood().array(),
  ta: text().array(),
  na: numeric().array(),
  ia: integer().array(),
  tm: time(),
  ts: timestamp(),
  tsz: timestamp({ withTimezone: true }),
  tss: timestamp({ mode: 'string' }),
  tsa: timestamp({ withTimezone: true }).array(),
  da: date().array(),
  u: uuid(),
  dp: doublePrecision(),
  p: point(),
  pa: point().array(),
});
const sql = neon(url);
const pool = new Pool({ connectionString: url, max: 3 });
await sql`DROP TABLE IF EXISTS dt`;
await sql`DROP TYPE IF EXISTS dmood`;
await sql`CREATE TYPE dmood AS ENUM ('sad','ok')`;
await sql`CREATE TABLE dt (id serial primary key, b int8, bn int8, f bool, d date, dd date, i interval, j jsonb, n numeric, m dmood, ma dmood[], ta text[], na numeric[], ia int[], tm time, ts timestamp, tsz timestamptz, tss timestamp, tsa timestamptz[], da date[], u uuid, dp float8, p point, pa point[])`;
const row = {
  b: 9007199254740993n,
  bn: 5,
  f: true,
  d: '2024-02-29',
  dd: new Date('2024-02-29'),
  i: '1 day 02:03:04',
  j: { a: [1, null, { b: 'é' }] },
  n: '123456789.123456789',
  m: 'ok',
  ma: ['sad', 'ok'],
  ta: ['a', 'b,"c"', '\\'],
  na: ['1.10', '2'],
  ia: [1, 2],
  tm: '01:02:03',
  ts: new Date('2024-02-29T01:02:03.456Z'),
  tsz: new Date('2024-02-29T01:02:03.456Z'),
  tss: '2024-02-29 01:02:03.123456',
  tsa: [new Date(0)],
  da: ['2024-01-01'],
  u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  dp: 1.5,
  p: [1, 2],
  pa: [[1, 2]],
};
for (const [n, db] of Object.entries({
  http: dh({ client: sql }),
  ws: dw({ client: pool }),
  httpurl: dh(url),
  wsurl: dw(url),
})) {
  await attempt(`${n} insert`, () => db.insert(t).values(row).returning());
  await attempt(`${n} select`, () => db.select().from(t).where(eq(t.id, 1)));
  await attempt(`${n} execute`, () =>
    db
      .execute(
        dsql`SELECT ${1}::int AS a, now() > '2000-01-01' AS b, '1 day'::interval AS i, now()::date = current_date AS c, '2024-01-01'::timestamptz AS d, '{2024-01-01}'::timestamptz[] as e`,
      )
      .then((r) => [r.rows, r.rowCount, r.command, r.fields.map((f) => f.name)]),
  );
  await attempt(`${n} error`, () => db.execute(dsql`SELECT 1/0`));
  await attempt(`${n} dup`, () => db.insert(t).values({ id: 1 }));
  await attempt(`${n} update`, () => db.update(t).set({ f: false }).where(eq(t.id, 1)).returning({ id: t.id, f: t.f }));
  await attempt(`${n} count`, () => db.$count(t).then((x) => typeof x));
  await attempt(`${n} prepared`, async () => {
    const q = db
      .select({ id: t.id })
      .from(t)
      .where(eq(t.id, dsql.placeholder('id')))
      .prepare(`prep_${n}`);
    return [await q.execute({ id: 1 }), await q.execute({ id: 2 })];
  });
  if (n.startsWith('http'))
    await attempt(`${n} batch`, () =>
      db
        .batch([
          db.select({ id: t.id }).from(t).limit(1),
          db.execute(dsql`SELECT 1 AS x`),
          db.update(t).set({ bn: 6 }).where(eq(t.id, 1)),
        ])
        .then((x) => [x[0], x[1].rows, x[2].rowCount]),
    );
  await attempt(`${n} tx`, () =>
    db.transaction(
      async (tx) => {
        await tx.insert(t).values({ bn: 7 });
        await tx
          .transaction(async (t2) => {
            await t2.insert(t).values({ bn: 8 });
            t2.rollback();
          })
          .catch(() => {});
        return (await tx.select({ bn: t.bn }).from(t).where(eq(t.bn, 8))).length;
      },
      n.startsWith('ws') ? { isolationLevel: 'serializable' } : undefined,
    ),
  );
}
// ---- kysely
const k = new Kysely({ dialect: new PostgresDialect({ pool: pool }) });
await attempt('k1', () => k.selectFrom('dt').select(['id', 'm', 'ta', 'tsz']).where('id', '=', 1).execute());
await attempt('k ins', () =>
  k
    .insertInto('dt')
    .values({ bn: 100, j: JSON.stringify({ a: 1 }) })
    .returning(['bn', 'j'])
    .executeTakeFirst(),
);
await attempt('k upd', () => k.updateTable('dt').set({ bn: 101 }).where('bn', '=', 100).executeTakeFirst());
await attempt('k tx', () =>
  k
    .transaction()
    .setIsolationLevel('serializable')
    .execute(async (tx) => {
      await tx.deleteFrom('dt').where('bn', '=', 101).execute();
      throw new Error('rb');
    }),
);
await attempt('k raw', () => ksql`SELECT ${1}::int AS a`.execute(k));
// kysely-neon style http dialect
class NeonHttpConn {
  constructor(s) {
    this.s = s;
  }
  async executeQuery(c) {
    const r = await this.s.query(c.sql, [...c.parameters], { fullResults: true });
    return {
      rows: r.rows,
      numAffectedRows: ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(r.command) ? BigInt(r.rowCount) : undefined,
    };
  }
  streamQuery() {
    throw new Error('no');
  }
}
const kn = new Kysely({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (d) => new PostgresIntrospector(d),
    createDriver: () => ({
      async init() {},
      async acquireConnection() {
        return new NeonHttpConn(sql);
      },
      async beginTransaction() {
        throw new Error('tx');
      },
      async commitTransaction() {},
      async rollbackTransaction() {},
      async releaseConnection() {},
      async destroy() {},
    }),
  },
});
await attempt('kn1', () => kn.selectFrom('dt').select(['id', 'm', 'ta']).where('id', '=', 1).execute());
await attempt('kn upd', () => kn.updateTable('dt').set({ bn: 102 }).where('id', '=', 1).executeTakeFirst());
await attempt('kn intro', () =>
  kn.introspection
    .getTables()
    .then((x) => x.filter((y) => y.name === 'dt').map((y) => y.columns.map((c) => c.name + c.dataType))),
);
await pool.end();
show('pool counts', [pool.totalCount, pool.ended]);
// ---- prisma adapter
for (const [n, f] of Object.entries({
  ws: () => new PrismaNeon({ connectionString: url, max: 2 }),
  http: () => new PrismaNeonHttp(url, {}),
})) {
  const a = await f().connect();
  const q = (s, args = [], argTypes = []) => a.queryRaw({ sql: s, args, argTypes });
  await attempt(`${n} pn1`, () =>
    q(
      'SELECT id, b, bn, f, d, i::text, j, n, m::text, ta, na, ia, tm, ts, tsz, u, dp FROM dt WHERE id = $1',
      [1],
      [{ scalarType: 'int', arity: 'scalar' }],
    ),
  );
  await attempt(`${n} pn2`, () =>
    q(
      'SELECT $1::bytea AS b, $2::timestamptz AS t, $3::int8 AS i',
      n === 'ws' ? [Buffer.from([1, 2]), '2024-01-01T00:00:00Z', 5n] : ['x', '2024-01-01T00:00:00Z', 5n],
      [
        { scalarType: 'bytes', arity: 'scalar' },
        { scalarType: 'datetime', arity: 'scalar' },
        { scalarType: 'bigint', arity: 'scalar' },
      ],
    ),
  );
  await attempt(`${n} pn exec`, () =>
    a.executeRaw({ sql: 'UPDATE dt SET bn = 1 WHERE id = 1', args: [], argTypes: [] }),
  );
  for (const bad of ['SELECT 1/0', 'INSERT INTO dt (id) VALUES (1)', 'SELECT * FROM nope', "SELECT 'x'::int"])
    await attempt(`${n} pn ${bad}`, () =>
      q(bad).catch((e) => {
        const c = { ...e.cause };
        return [e.name, c.kind ?? e.code, c.originalCode, c.originalMessage ?? e.message, c.constraint];
      }),
    );
  if (n === 'ws')
    await attempt(`${n} pn tx`, async () => {
      const tx = await a.startTransaction('SERIALIZABLE');
      const r = await tx.queryRaw({ sql: 'SHOW transaction_isolation', args: [], argTypes: [] });
      await tx.executeRaw({ sql: 'COMMIT', args: [], argTypes: [] });
      await tx.commit();
      return r;
    });
  await a.dispose();
}
console.log('done');
