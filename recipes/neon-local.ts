// The official Neon driver against a Postgres on your own machine.
//
// When: production is at Neon, and development should need no network, no account and no branch.
// Run:  npx tsx neon-local.ts
// The gateway and its Postgres are `npx @postern/cli dev` in another terminal; no Postgres has to be installed.
// Only the settings below are for your machine; what is under them is the program as it is. It works with Prisma's
// @prisma/adapter-neon and Drizzle's Neon drivers too: both use the same `neonConfig`.
import { neon, neonConfig, Pool } from '@neondatabase/serverless';
import { WebSocket } from 'ws';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres';

if (process.env.NODE_ENV !== 'production') {
  const { host } = new URL(url);
  neonConfig.fetchEndpoint = `http://${host}/sql`;
  neonConfig.wsProxy = () => `${host}/v2`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.webSocketConstructor = WebSocket; // Node 20 has none
}

const sql = neon(url);
console.log('HTTP', await sql`SELECT ${'hello'} AS greeting`);

const pool = new Pool({ connectionString: url });
const client = await pool.connect();
await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
console.log('WebSocket', (await client.query('SHOW transaction_isolation')).rows);
await client.query('ROLLBACK');
client.release();
await pool.end();

// Prints:
// HTTP [ { greeting: 'hello' } ]
// WebSocket [ { transaction_isolation: 'serializable' } ]
