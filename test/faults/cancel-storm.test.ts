// Many callers on few connections, cancelling at random: 57014 reaches only those who asked, and nothing is lost.
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { activeQueries, type FaultyGateway, isHeavy, openGateway } from './gateway.ts';

const callers = isHeavy ? 200 : 60;
const durationMs = isHeavy ? 30_000 : 5_000;

/** Some may share a connection, as quick ones and as those that others are stuck behind; some may not. */
const statements: readonly ((marker: number) => pg.QueryConfig)[] = [
  (marker) => ({ text: `SELECT ${marker} AS marker, pg_sleep(0.002)` }),
  (marker) => ({ text: `SELECT ${marker} AS marker` }),
  (marker) => ({ text: `SELECT ${marker} AS marker, (SELECT count(*) FROM generate_series(1, 50000))` }),
  (marker) => ({ text: 'SELECT $1::int AS marker', values: [marker] }),
  (marker) => ({ name: 'a', text: 'SELECT $1::int AS marker', values: [marker] }),
  (marker) => ({
    name: 'b',
    text: 'SELECT $1::int AS marker, (SELECT count(*) FROM generate_series(1, $2::int))',
    values: [marker, Math.random() < 0.9 ? 1 : 100_000],
  }),
];

let database: TestDatabase;
let opened: FaultyGateway;
let observer: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  opened = await openGateway(database.url, { poolSize: 2 });
  observer = new pg.Client({ connectionString: database.url });
  await observer.connect();
});
afterAll(async () => {
  await observer.end();
  await opened.close();
  await database.drop();
});

test(`${callers} callers on a pool of 2 with random cancels`, { timeout: durationMs + 60_000 }, async () => {
  const clients = await Promise.all(Array.from({ length: callers }, () => opened.connect('pool_timeout=60')));
  const endAt = performance.now() + durationMs;
  let answered = 0;
  let cancelled = 0;
  const faults: string[] = [];

  async function call(client: pg.Client, caller: number): Promise<void> {
    for (let turn = 0; performance.now() < endAt; turn++) {
      const marker = caller * 1_000_000 + turn;
      const wantsCancel = Math.random() < 0.3;
      const kind = statements[Math.floor(Math.random() * statements.length)]!;
      const answer = client.query<{ marker: number }>(kind(marker)).then(
        ({ rows }) => {
          if (rows[0]?.marker !== marker) faults.push(`caller ${caller} got ${JSON.stringify(rows)} for ${marker}`);
          answered++;
        },
        (error: { code?: string; message: string }) => {
          if (error.code === '57014' && wantsCancel) cancelled++;
          else
            faults.push(
              `caller ${caller}, who ${wantsCancel ? 'asked' : 'did not ask'}: ${error.code} ${error.message}`,
            );
        },
      );
      // What was asked for may come late and hit this caller's next statement, as with plain Postgres: so it is waited for.
      if (wantsCancel) await sendCancel(client);
      await answer;
    }
  }

  await Promise.all(clients.map(call));
  expect(faults).toEqual([]);
  expect(answered).toBeGreaterThan(callers);
  expect(cancelled).toBeGreaterThan(0);
  console.log(`${answered} answered, ${cancelled} cancelled`);
  await vi.waitFor(async () => expect(await activeQueries(observer)).toEqual([]));
  const [pool] = opened.gateway.stats().pools;
  expect(pool).toMatchObject({ leased: 0, recovering: 0, waiting: 0, faults: 0 });
  expect(pool!.idle).toBeLessThanOrEqual(2);
});

/** What @types/pg does not tell of. */
interface CancellingConnection extends pg.Connection {
  connect(port: number, host: string): void;
  cancel(processId: number, secretKey: number): void;
}

/** Sends a CancelRequest with the client's key and waits until the gateway has dealt with it. */
function sendCancel(client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  return new Promise((resolve) => {
    const canceller = new pg.Connection({ stream: undefined as never }) as CancellingConnection;
    canceller.on('error', () => {});
    canceller.on('connect', () => canceller.cancel(processID, secretKey));
    canceller.stream.on('close', () => resolve());
    canceller.connect(client.port, client.host);
  });
}
