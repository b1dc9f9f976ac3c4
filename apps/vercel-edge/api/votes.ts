// An edge function: single queries and whole transactions over HTTP.

import { PosternError, postern } from '@postern/serverless/http';

export const config = { runtime: 'edge' };

export default async function votes(request: Request): Promise<Response> {
  const sql = postern(process.env.DATABASE_URL ?? '');
  const results = sql<{ choice: string; votes: number }>`
    SELECT choice, count(*)::int AS votes FROM vote GROUP BY choice ORDER BY choice`;

  if (request.method === 'GET') return Response.json(await results);
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'GET, POST' } });

  const choice = new URL(request.url).searchParams.get('choice');
  try {
    // One request to the gateway, one transaction: who listens hears of a vote when it is there, and of none that failed.
    const [, , counted] = await sql.transaction([
      sql`INSERT INTO vote (choice) VALUES (${choice})`,
      sql`SELECT pg_notify('votes', ${choice})`,
      results,
    ]);
    return Response.json(counted, { status: 201 });
  } catch (error) {
    if (error instanceof PosternError && isRefused(error)) {
      return Response.json({ error: '?choice= must be coffee or tea' }, { status: 400 });
    }
    throw error;
  }
}

/** Postgres knows the choices: by NOT NULL and a CHECK constraint. */
function isRefused({ code }: PosternError): boolean {
  return code === '23502' || code === '23514';
}
