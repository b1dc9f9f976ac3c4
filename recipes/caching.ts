// Caching in the gateway: the same question within its lifetime does not reach Postgres.
//
// When: many callers ask for what rarely changes: prices, menus, settings.
// Run:  npx tsx caching.ts
// `ttl`: seconds for which an answer is good. `swr`: seconds more in which the old answer is given while a new one is fetched.
// `tags`: names by which a write throws answers out. Only reads outside of transactions are kept, apart for each login.
import { postern } from '@postern/serverless/http';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres';
const sql = postern(url);
// All queries of this one; `sql.query(text, params, { cache })` says it for one.
const cached = postern(url, { cache: { ttl: 60, swr: 600, tags: ['prices'] } });

await sql`DROP TABLE IF EXISTS prices`;
await sql`CREATE TABLE prices (item text PRIMARY KEY, cents int NOT NULL)`;
await sql`INSERT INTO prices VALUES ('tea', 250)`;

const price = () => cached`SELECT cents FROM prices WHERE item = ${'tea'}`;
console.log('first  ', await price());
await sql`UPDATE prices SET cents = 260 WHERE item = 'tea'`;
console.log('cached ', await price(), 'in Postgres', await sql`SELECT cents FROM prices`);

// A write that says what it changes: the cache forgets when it has succeeded.
const forget = { fetchOptions: { headers: { 'Postern-Cache-Invalidate': 'prices' } } };
await sql.query('UPDATE prices SET cents = $1 WHERE item = $2', [270, 'tea'], forget);
console.log('changed', await price());

// Prints:
// first   [ { cents: 250 } ]
// cached  [ { cents: 250 } ] in Postgres [ { cents: 260 } ]
// changed [ { cents: 270 } ]
