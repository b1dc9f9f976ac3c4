// Postgres goes away and comes back: nobody is refused within their connect_timeout, and nobody overtakes.
import { type RunningPostgres, startPostgres } from '@postern/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FaultyGateway, isHeavy, openGateway } from './gateway.ts';

const waiting = isHeavy ? 500 : 100;
const outageMs = isHeavy ? 20_000 : 3_000;

let postgres: RunningPostgres;
let opened: FaultyGateway;

beforeAll(async () => {
  postgres = await startPostgres();
  // One connection: callers are served in the order in which they get it.
  opened = await openGateway(postgres.url('postgres'), { poolSize: 1 });
});
afterAll(async () => {
  await opened.close();
  await postgres.stop();
});

test(`${waiting} callers wait for a Postgres that is away for ${outageMs / 1000} s`, { timeout: 120_000 }, async () => {
  const clients = await Promise.all(
    Array.from({ length: waiting }, () => opened.connect('connect_timeout=60 pool_timeout=60')),
  );
  await clients[0]!.query('CREATE SEQUENCE turns');
  // The gateway still asks what that has left when its caller has the answer.
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]!.idle).toBe(1));
  await postgres.kill();
  // What is sent before the loss is known is lost with it, as on any connection.
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]!.idle).toBe(0));
  /** In which turn Postgres served each; answers may be read in another order. */
  const turns = new Map<number, number>();
  const answers: Promise<unknown>[] = [];
  for (const [n, client] of clients.entries()) {
    // LOCK-free, but not shareable: each caller needs a lease of its own, so the order of leases can be seen.
    const sql = `SELECT set_config('fault.caller', '${n}', false), nextval('turns')::int AS turn`;
    answers.push(client.query(sql).then(({ rows }) => turns.set(n, rows[0].turn)));
    // In the queue before the next one speaks: sockets are not read in the order they were written to.
    while (opened.gateway.stats().pools[0]!.waiting <= n) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, outageMs));
  expect(turns.size).toBe(0);
  await postgres.restart();
  await Promise.all(answers);
  const served = [...turns.keys()].sort((a, b) => turns.get(a)! - turns.get(b)!);
  expect(served).toEqual(clients.map((_, n) => n));
});

test('a server connection lost while idle is never seen', async () => {
  const client: pg.Client = await opened.connect('connect_timeout=30');
  await client.query('SELECT 1');
  await postgres.restart('fast');
  expect((await client.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
});
