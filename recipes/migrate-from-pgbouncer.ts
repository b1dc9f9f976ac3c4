// From PgBouncer to Postern: the port changes, and what transaction pooling forbids works.
//
// When: servers and functions reach Postgres through PgBouncer today, over TCP, with pg or any other client.
// Run:  npx tsx migrate-from-pgbouncer.ts
// `options=pooled%3Dtrue` asks for the pool; `pgbouncer=true`, as Prisma writes it, does too. Prepared statements need no setting.
import pg from 'pg';

// before: const url = process.env.PGBOUNCER_URL;
const url = process.env.TCP_URL ?? 'postgres://postgres:postgres@localhost:6432/postgres?options=pooled%3Dtrue';

const pool = new pg.Pool({ connectionString: url, max: 5 });
await pool.query('DROP TABLE IF EXISTS jobs');
await pool.query('CREATE TABLE jobs (id serial PRIMARY KEY, state text NOT NULL)');
await pool.query("INSERT INTO jobs (state) SELECT 'new' FROM generate_series(1, 3)");

const client = await pool.connect();
await client.query('BEGIN');
const { rows } = await client.query({
  name: 'take a job',
  text: "UPDATE jobs SET state = 'taken' WHERE id = (SELECT min(id) FROM jobs WHERE state = $1) RETURNING id",
  values: ['new'],
});
await client.query('COMMIT');
client.release();
console.log('took', rows);
console.log('left', (await pool.query("SELECT count(*)::int FROM jobs WHERE state = 'new'")).rows);

// From here on only with Postern: behind PgBouncer the next caller would meet what this session leaves behind.
const session = await pool.connect();
await session.query("SET statement_timeout = '7s'");
await session.query('CREATE TEMPORARY TABLE seen (id int)');
await session.query('INSERT INTO seen VALUES (1), (2)');
console.log('timeout', (await session.query('SHOW statement_timeout')).rows);
console.log('seen', (await session.query('SELECT count(*)::int FROM seen')).rows);
session.release(true);
await pool.end();

// Prints:
// took [ { id: 1 } ]
// left [ { count: 2 } ]
// timeout [ { statement_timeout: '7s' } ]
// seen [ { count: 2 } ]
