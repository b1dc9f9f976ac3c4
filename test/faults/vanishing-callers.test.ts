// A caller that is suddenly gone, whatever it was doing and whichever way it went: its query is cancelled, its transaction
// rolled back, its state gone, and the next caller gets the connection as if nothing had been.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connectRaw, createTestDatabase, streamFromSocket, type TestDatabase } from '@postern/testkit';
import { encodeCopyData, encodePassword, encodeQuery, encodeStartupMessage, encodeTerminate } from '@postern/wire';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Activity, observeActivity } from './activity.ts';
import { type FaultyGateway, openGateway } from './gateway.ts';
import { postSql } from './sql-over-http.ts';

let database: TestDatabase;
let opened: FaultyGateway;
let activity: Activity;

beforeAll(async () => {
  database = await createTestDatabase();
  activity = await observeActivity(database.url);
  await activity.observer.query('CREATE TABLE marks (mark text)');
  // One connection: what a caller leaves behind is what the next one gets.
  opened = await openGateway(database.url, { poolSize: 1 });
});

beforeEach(() => activity.observer.query('TRUNCATE marks'));

afterEach(() => {
  // A test that failed before its caller vanished.
  for (const line of lines.splice(0)) line.vanish();
});

afterAll(async () => {
  await activity.close();
  await opened.close();
  await database.drop();
});

/** One caller's connection, by its bytes. */
interface Line {
  send(bytes: Uint8Array): void;
  vanish(): void;
}

const lines: Line[] = [];

async function connectTcp(): Promise<{ socket: Socket; send: Line['send'] }> {
  const socket = connect({ host: '127.0.0.1', port: opened.gateway.tcpAddress!.port, noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const { user, password, name } = database;
  await connectRaw({ stream: streamFromSocket(socket), user, password, database: name, params: { pooled: 'true' } });
  return { socket, send: (bytes) => void socket.write(bytes) };
}

async function connectWebSocket(): Promise<{ socket: WebSocket; send: Line['send'] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${opened.gateway.httpAddress.port}/v2`);
  socket.on('error', () => {});
  await once(socket, 'open');
  const { user, password, name } = database;
  const parameters = [
    ['user', user],
    ['database', name],
    ['pooled', 'true'],
  ] as const;
  socket.send(Buffer.concat([encodeStartupMessage({ minor: 0, parameters }), encodePassword(password)]));
  await once(socket, 'message');
  return { socket, send: (bytes) => socket.send(bytes) };
}

const ways: readonly [string, () => Promise<Line>][] = [
  [
    'TCP, reset',
    async () => {
      const { socket, send } = await connectTcp();
      return { send, vanish: () => void socket.resetAndDestroy() };
    },
  ],
  [
    'TCP, closed without a goodbye',
    async () => {
      const { socket, send } = await connectTcp();
      return { send, vanish: () => void socket.end() };
    },
  ],
  [
    'TCP, with a goodbye',
    async () => {
      const { socket, send } = await connectTcp();
      return { send, vanish: () => void socket.end(encodeTerminate()) };
    },
  ],
  [
    'WebSocket, closed',
    async () => {
      const { socket, send } = await connectWebSocket();
      return { send, vanish: () => socket.close(1000) };
    },
  ],
  [
    'WebSocket, cut',
    async () => {
      const { socket, send } = await connectWebSocket();
      return { send, vanish: () => socket.terminate() };
    },
  ],
];

/** What it leaves behind is to be gone within this time. */
const soon = { timeout: 1_000, interval: 20 };

const locksSql = `SELECT objid FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE locktype = 'advisory' AND datname = current_database()`;

async function expectNothingLeft(): Promise<void> {
  await vi.waitFor(async () => {
    expect(opened.gateway.stats()).toMatchObject({
      callers: 0,
      sessions: { pooled: 0 },
      pools: [{ leased: 0, pinned: 0, recovering: 0, waiting: 0, faults: 0 }],
    });
    const backends = await activity.backends();
    expect(backends.filter(({ state }) => state !== 'idle')).toEqual([]);
    expect(backends.length).toBeLessThanOrEqual(1);
    // Others wait for these, on Postgres itself: they must not have to wait until somebody uses the connection again.
    expect((await activity.observer.query(locksSql)).rows).toEqual([]);
    expect((await activity.observer.query(`SELECT relname FROM pg_class WHERE relname = 'mine'`)).rows).toEqual([]);
  }, soon);
  const next = await opened.connect();
  try {
    const { rows } = await next.query(
      `SELECT (SELECT count(*)::int FROM marks) AS marks, to_regclass('pg_temp.mine') AS mine, current_setting('work_mem') AS memory`,
    );
    expect(rows).toEqual([{ marks: 0, mine: null, memory: '4MB' }]);
  } finally {
    await next.end();
  }
}

describe.each(ways)('%s', (_, open) => {
  test.each([
    ['in an idle transaction', `BEGIN; INSERT INTO marks VALUES ('x'); SET work_mem = '9MB'`, 'idle in transaction'],
    ['in a failed transaction', `BEGIN; INSERT INTO marks VALUES ('x'); SELECT 1/0`, 'idle in transaction (aborted)'],
    ['in the middle of a query', `SELECT pg_sleep(60)`, 'active'],
    ['in a query inside a transaction', `BEGIN; INSERT INTO marks VALUES ('x'); SELECT pg_sleep(60)`, 'active'],
    ['in the middle of COPY IN', 'COPY marks FROM STDIN', 'active'],
    [
      'in the middle of COPY OUT',
      `COPY (SELECT repeat('x', 100000) FROM generate_series(1, 100000)) TO STDOUT`,
      'active',
    ],
    [
      'with a lock, a temporary table and a setting',
      `SELECT pg_advisory_lock(1); CREATE TEMP TABLE mine (n int); SET work_mem = '9MB'`,
      'pinned',
    ],
  ])('%s', async (_what, sql, state) => {
    const line = await open();
    lines.push(line);
    line.send(encodeQuery(sql));
    if (sql.includes('FROM STDIN')) line.send(encodeCopyData(Buffer.from('x\ny\n')));
    await vi.waitFor(async () => {
      if (state === 'pinned') expect(opened.gateway.stats().pools[0]).toMatchObject({ pinned: 1 });
      else expect(await activity.backends()).toEqual([expect.objectContaining({ state, query: sql })]);
    });
    line.vanish();
    await expectNothingLeft();
  });

  test('while it waits for the pool: it never gets there', async () => {
    const holder = await opened.connect();
    await holder.query('BEGIN');
    const line = await open();
    lines.push(line);
    line.send(encodeQuery(`INSERT INTO marks VALUES ('too late')`));
    await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ waiting: 1 }));
    line.vanish();
    await vi.waitFor(() => expect(opened.gateway.stats().pools[0]).toMatchObject({ waiting: 0 }), soon);
    await holder.query('COMMIT');
    await holder.end();
    await expectNothingLeft();
  });

  test('behind a pipeline of which the rest must not run on its own', async () => {
    const line = await open();
    lines.push(line);
    const pipeline = ['BEGIN', 'SELECT pg_sleep(60)', `INSERT INTO marks VALUES ('x')`, 'COMMIT'];
    line.send(Buffer.concat(pipeline.map(encodeQuery)));
    await activity.oneRuns('pg_sleep(60)');
    line.vanish();
    await expectNothingLeft();
  });
});

describe('HTTP, aborted', () => {
  const insert = { query: `INSERT INTO marks VALUES ('x')`, params: [] };
  const sleep = { query: 'SELECT pg_sleep(60)', params: [] };
  test.each([
    ['a query', sleep],
    ['a transaction', { queries: [insert, sleep] }],
  ])('%s', async (_, body) => {
    const controller = new AbortController();
    const request = postSql({
      port: opened.gateway.httpAddress.port,
      connectionString: `postgres://${database.user}:${database.password}@main-pooler.db.test/${database.name}`,
      body,
      signal: controller.signal,
    });
    const refused = expect(request).rejects.toThrow('aborted');
    await activity.oneRuns('pg_sleep(60)');
    controller.abort();
    await refused;
    await expectNothingLeft();
  });
});
