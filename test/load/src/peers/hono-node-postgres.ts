// A small SQL-over-HTTP server as one would write it with Hono and node-postgres. Arguments: database URL, pool size.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import pg from 'pg';

interface Statement {
  readonly query: string;
  readonly params?: readonly unknown[];
}

const pool = new pg.Pool({ connectionString: process.argv[2], max: Number(process.argv[3]) });
const app = new Hono();

app.post('/sql', async (c) => {
  const body = await c.req.json<Statement | { queries: readonly Statement[] }>();
  if (!('queries' in body)) return c.json(shown(await pool.query(body.query, [...(body.params ?? [])])));
  const client = await pool.connect();
  try {
    await client.query('begin');
    const results = [];
    for (const { query, params = [] } of body.queries) results.push(shown(await client.query(query, [...params])));
    await client.query('commit');
    return c.json({ results });
  } finally {
    client.release();
  }
});

function shown({ command, rowCount, fields, rows }: pg.QueryResult): object {
  return { command, rowCount, fields, rows, rowAsArray: false };
}

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => console.log(port));
