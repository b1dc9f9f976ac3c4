// From Neon's driver to ours: the import changes, the program stays.
//
// When: the program uses @neondatabase/serverless, and its Postgres is behind Postern (or still at Neon: ours speaks to both).
// Run:  npx tsx migrate-from-neon.ts
// To change no source at all, say "@neondatabase/serverless": "npm:@postern/serverless" in package.json. What is different, most
// of it for the better, is a table in the README of @postern/serverless.
import './websocket.ts';
// before: import { neon, Pool } from '@neondatabase/serverless';
import { neon, Pool } from '@postern/serverless';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres';

const sql = neon(url);
await sql`DROP TABLE IF EXISTS visits`;
await sql`CREATE TABLE visits (page text PRIMARY KEY, count int NOT NULL DEFAULT 0)`;
await sql.transaction([
  sql`INSERT INTO visits (page) VALUES ('/'), ('/about')`,
  sql.query('UPDATE visits SET count = count + $1 WHERE page = $2', [5, '/']),
]);
console.log(await sql`SELECT * FROM visits ORDER BY page`);

const pool = new Pool({ connectionString: url });
const client = await pool.connect();
try {
  await client.query('BEGIN');
  const { rows } = await client.query<{ count: number }>('SELECT count FROM visits WHERE page = $1 FOR UPDATE', ['/']);
  await client.query('UPDATE visits SET count = $1 WHERE page = $2', [rows[0]!.count * 2, '/']);
  await client.query('COMMIT');
} finally {
  client.release();
}
console.log((await pool.query({ text: 'SELECT count FROM visits ORDER BY 1', rowMode: 'array' })).rows);
await pool.end();
await sql`INSERT INTO visits (page) VALUES ('/')`.catch(({ code, constraint }) => console.log(code, constraint));

// Prints:
// [ { page: '/', count: 5 }, { page: '/about', count: 0 } ]
// [ [ 0 ], [ 10 ] ]
// 23505 visits_pkey
