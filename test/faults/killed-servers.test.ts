// Server connections that die, in every state, and whole servers: only the caller whose transaction died with them is told,
// and the gateway needs no help.
import { createTestDatabase, type RunningPostgres, startPostgres, type TestDatabase } from '@postern/testkit';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Activity, observeActivity } from './activity.ts';
import { type FaultyGateway, openGateway } from './gateway.ts';
import { postSql, type SqlReply } from './sql-over-http.ts';

let postgres: RunningPostgres;
let database: TestDatabase;
let opened: FaultyGateway;
let activity: Activity;

beforeAll(async () => {
  postgres = await startPostgres();
});

beforeEach(async () => {
  database = await createTestDatabase(postgres.url());
  await database.query('CREATE TABLE marks (mark text)');
  opened = await openGateway(database.url, { poolSize: 3 });
  activity = await observeActivity(database.url);
});

afterEach(async () => {
  await activity.close().catch(() => {});
  await opened.close();
});

afterAll(() => postgres.stop());

function overHttp(query: string, params: readonly string[] = []): Promise<SqlReply> {
  return postSql({
    port: opened.gateway.httpAddress.port,
    connectionString: `postgres://${database.user}:${database.password}@main-pooler.db.test/${database.name}`,
    body: { query, params },
  });
}

interface Bystanders {
  /** Fails when one of them ever saw an error or a foreign answer. */
  stop(): Promise<void>;
}

/** Other callers on the same pool, over TCP and HTTP, that go on the whole time. */
async function startBystanders(): Promise<Bystanders> {
  const seen: string[] = [];
  let isOver = false;
  let served = 0;

  async function ask(caller: number, query: (mark: string) => Promise<unknown>): Promise<void> {
    for (let turn = 0; !isOver; turn++) {
      const mark = `${caller} ${turn}`;
      const answer = await query(mark).catch((error: { code?: string; message?: string }) => [
        error.code,
        error.message,
      ]);
      if (answer !== mark) seen.push(`${mark}: ${JSON.stringify(answer)}`);
      served++;
    }
  }

  const clients = await Promise.all([opened.connect('pool_timeout=30'), opened.connect('pool_timeout=30')]);
  const running = [
    ...clients.map((client, n) =>
      ask(n, async (mark) => (await client.query('SELECT $1::text AS mark', [mark])).rows[0].mark),
    ),
    ask(9, async (mark) => {
      const { body } = await overHttp('SELECT $1::text', [mark]);
      return (body.rows as string[][] | undefined)?.[0]?.[0] ?? body;
    }),
  ];
  await vi.waitFor(() => expect(served).toBeGreaterThan(10));
  return {
    async stop() {
      const soFar = served;
      await vi.waitFor(() => expect(served).toBeGreaterThan(soFar + 10));
      isOver = true;
      await Promise.all(running);
      expect(seen).toEqual([]);
    },
  };
}

/** The backend that has the client's transaction or state. */
async function backendOf(client: pg.Client): Promise<number> {
  return (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;
}

function codeOf(failing: Promise<unknown>): Promise<string | undefined> {
  return failing.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  );
}

describe('one server connection', () => {
  test('in a transaction', async () => {
    const bystanders = await startBystanders();
    const victim = await opened.connect();
    await victim.query(`BEGIN; INSERT INTO marks VALUES ('lost')`);
    await activity.terminate(await backendOf(victim));
    await expect(victim.query(`INSERT INTO marks VALUES ('never')`)).rejects.toThrow();
    await bystanders.stop();
    expect(await database.query('SELECT * FROM marks')).toEqual([]);
  });

  test('in the middle of a query', async () => {
    const bystanders = await startBystanders();
    const victim = await opened.connect();
    const failure = codeOf(victim.query('SELECT pg_sleep(61)'));
    await activity.terminate((await activity.oneRuns('pg_sleep(61)')).pid);
    expect(await failure).toBe('57P01');
    await bystanders.stop();
  });

  test('in the middle of a query over HTTP', async () => {
    const bystanders = await startBystanders();
    const reply = overHttp('SELECT pg_sleep(62)');
    await activity.terminate((await activity.oneRuns('pg_sleep(62)')).pid);
    expect(await reply).toMatchObject({ status: 400, body: { code: '57P01' } });
    await bystanders.stop();
  });

  test('during a COPY', async () => {
    const bystanders = await startBystanders();
    const victim = await opened.connect();
    const failure = codeOf(victim.query('COPY (SELECT pg_sleep(0.01) FROM generate_series(1, 6000)) TO STDOUT'));
    await activity.terminate((await activity.oneRuns('COPY')).pid);
    expect(await failure).toBe('57P01');
    await bystanders.stop();
  });

  test('while it is pinned: the session with the state is told, and can start anew', async () => {
    const bystanders = await startBystanders();
    const victim = await opened.connect();
    await victim.query('CREATE TEMP TABLE mine (n int)');
    const lost = new Promise((resolve) => victim.on('error', resolve));
    await activity.terminate(await backendOf(victim));
    // Its temporary table is gone: as on a direct connection, that is the end of the session.
    await Promise.race([lost, expect(victim.query('SELECT * FROM mine')).rejects.toThrow()]);
    const again = await opened.connect();
    await again.query('CREATE TEMP TABLE mine (n int)');
    await again.query('DROP TABLE mine');
    await bystanders.stop();
  });

  test('the listening one: it is replaced, and listeners are warned of the gap', async () => {
    const listener = await opened.connect();
    const heard: unknown[] = [];
    const notices: unknown[] = [];
    listener.on('notification', ({ payload }) => void heard.push(payload));
    listener.on('notice', ({ message }) => void notices.push(message));
    await listener.query('LISTEN news');
    await database.query(`NOTIFY news, 'before'`);
    await vi.waitFor(() => expect(heard).toEqual(['before']));
    for (const { pid } of await activity.backends()) await activity.terminate(pid);
    await vi.waitFor(() => expect(notices).toEqual([expect.stringContaining('may have been missed')]));
    const other = await opened.connect();
    await other.query(`NOTIFY news, 'after'`);
    await vi.waitFor(() => expect(heard).toEqual(['before', 'after']));
  });
});

test('every idle connection at once: nobody notices', async () => {
  const client = await opened.connect();
  await client.query(`SET work_mem = '7MB'`);
  await client.query({ name: 'kept', text: 'SELECT $1::int AS n', values: [1] });
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ leased: 0, pinned: 0 }));
  for (const { pid } of await activity.backends()) await activity.terminate(pid);
  await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ idle: 0 }));
  expect((await client.query('SHOW work_mem')).rows).toEqual([{ work_mem: '7MB' }]);
  expect((await client.query({ name: 'kept', text: 'SELECT $1::int AS n', values: [2] })).rows).toEqual([{ n: 2 }]);
});

describe('the whole server', () => {
  /** One session idle with a setting, one in a transaction, while `fall` takes Postgres down. */
  async function expectRecovery(fall: () => Promise<void>): Promise<void> {
    const [idle, busy] = [await opened.connect('connect_timeout=30'), await opened.connect()];
    await idle.query(`SET work_mem = '7MB'`);
    await busy.query(`BEGIN; INSERT INTO marks VALUES ('lost')`);
    // The engine has asked what SET came to: until then the connection is the idle session's.
    await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ leased: 1, pinned: 0 }));
    await activity.close();
    await fall();
    await expect(busy.query('COMMIT')).rejects.toThrow();
    expect((await idle.query('SHOW work_mem')).rows).toEqual([{ work_mem: '7MB' }]);
    const fresh = await opened.connect();
    expect((await fresh.query('SELECT count(*)::int AS n FROM marks')).rows).toEqual([{ n: 0 }]);
    expect(await overHttp('SELECT 1')).toMatchObject({ status: 200, body: { rows: [['1']] } });
    activity = await observeActivity(database.url);
    await vi.waitFor(async () => expect((await activity.backends()).length).toBeLessThanOrEqual(3));
  }

  test('restarted in the fast way', () => expectRecovery(() => postgres.restart('fast')));

  test('killed with SIGKILL and started again', () =>
    expectRecovery(async () => {
      await postgres.kill();
      await postgres.restart();
    }));

  test('one backend killed with SIGKILL: Postgres ends them all and recovers', () =>
    expectRecovery(async () => {
      const found = `SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'`;
      const [row] = await database.query<{ pid: number }>(found);
      process.kill(row!.pid, 'SIGKILL');
      await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ idle: 0, leased: 0 }));
    }));

  test('away for longer than connect_timeout: an error that says so, and no harm afterwards', async () => {
    const client = await opened.connect('connect_timeout=0.5');
    await client.query('SELECT 1');
    await activity.close();
    await postgres.kill();
    await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ idle: 0 }));
    await expect(client.query('SELECT 1')).rejects.toMatchObject({
      code: '08001',
      message: expect.stringContaining('cannot reach the database server'),
    });
    await postgres.restart();
    const later = await opened.connect('connect_timeout=30');
    expect((await later.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });
});
