// Kysely over Postern: its own Postgres dialect takes our Pool as it is.
//
// When: your queries are Kysely's, and they run where no Postgres connection can live.
// Run:  npx tsx kysely.ts
// All sessions of a pool share one WebSocket. Over plain HTTP: `compile()` a query and give it to `sql.query`.
import { Pool, postern } from '@postern/serverless';
import { type Generated, Kysely, PostgresDialect, sql } from 'kysely';
import './websocket.ts';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres';

interface Database {
  planets: { id: Generated<number>; name: string; moons: number };
}

const db = new Kysely<Database>({
  dialect: new PostgresDialect({ pool: new Pool({ connectionString: url, max: 5 }) }),
});
await db.schema.dropTable('planets').ifExists().execute();
await db.schema
  .createTable('planets')
  .addColumn('id', 'serial', (column) => column.primaryKey())
  .addColumn('name', 'text', (column) => column.notNull().unique())
  .addColumn('moons', 'integer', (column) => column.notNull())
  .execute();

await db
  .insertInto('planets')
  .values([
    { name: 'Earth', moons: 1 },
    { name: 'Mars', moons: 2 },
  ])
  .execute();
console.log(await db.selectFrom('planets').select(['name', 'moons']).where('moons', '>', 1).execute());

const add = db.transaction().execute(async (tx) => {
  await tx.insertInto('planets').values({ name: 'Venus', moons: 0 }).execute();
  await tx.insertInto('planets').values({ name: 'Mars', moons: 2 }).execute();
});
await add.catch((error) => console.log('rolled back:', error.constraint));
console.log(
  await db
    .selectFrom('planets')
    .select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirst(),
);

const { sql: text, parameters } = db.selectFrom('planets').select(sql<number>`sum(moons)::int`.as('moons')).compile();
console.log('over HTTP', await postern(url).query(text, [...parameters]));
await db.destroy();

// Prints:
// [ { name: 'Mars', moons: 2 } ]
// rolled back: planets_name_key
// { count: '2' }
// over HTTP [ { moons: 3 } ]
