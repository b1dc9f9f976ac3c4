// A program written for `pg`, over WebSockets: `pg` means our driver when it is bundled.
//
// When: a library or program insists on `pg`, and runs where there are no TCP sockets.
// Run:  npx tsx --tsconfig pg-alias/tsconfig.json pg-alias/app.ts   (without --tsconfig it is `pg` itself, for the URL of the TCP port)
// Each bundler has such an alias: in wrangler.jsonc "alias": { "pg": "./pg.ts" }, esbuild --alias:pg=./pg.ts, Vite resolve.alias,
// Next.js turbopack.resolveAlias, and tsconfig's `paths` for esbuild, tsx and Bun. `pg.ts` beside this file is all it takes.
import pg from 'pg';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres';

pg.types.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text));
const pool = new pg.Pool({ connectionString: url, max: 2 });
pool.on('error', (error) => console.error(error.message));

const { rows, fields, command } = await pool.query('SELECT $1::int8 AS big, $2::json AS data', [
  '42',
  { a: [1, null] },
]);
console.log(
  command,
  fields.map(({ name }) => name),
  rows,
);

const client = await pool.connect();
client.on('notification', ({ channel, payload }) => console.log(channel, payload));
await client.query('LISTEN news');
await client.query({ text: 'SELECT pg_notify($1, $2)', values: ['news', 'it works'], rowMode: 'array' });
client.release();

await pool.query('SELECT 1/0').catch((error) => console.log(error instanceof pg.DatabaseError, error.code));
await pool.end();

// Prints:
// SELECT [ 'big', 'data' ] [ { big: 42n, data: { a: [Array] } } ]
// news it works
// true 22012
