// What goes wrong in the middle of something: errors, aborts and ends at moments that are easy to forget.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client, neonConfig, Pool, Query } from '../index.ts';
import { startCountingRelay } from '../testing/counting-relay.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway.fixture.ts';

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGatewayFixture();
});
afterAll(() => gateway.close());
beforeEach(() => {
  for (const key of Object.keys(neonConfig)) delete neonConfig[key as keyof typeof neonConfig];
  neonConfig.webSocketConstructor = WebSocket;
});

const enders: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of enders.splice(0)) await end();
});

async function connected(url: string = gateway.url()): Promise<Client> {
  const client = new Client(url);
  enders.push(() => client.end());
  await client.connect();
  return client;
}

function pooled(options: ConstructorParameters<typeof Pool>[0] & object): Pool {
  const pool = new Pool({ connectionString: gateway.url(), ...options });
  enders.push(() => pool.end());
  return pool;
}

/** What the program throws when it is told something: collected instead of failing the test. */
async function thrown(during: () => Promise<unknown>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => errors.push(error));
  try {
    await during();
    await delay(10);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
  return errors;
}

const isAborted = { kind: 'usage', code: '57014' };

describe.each(['neon', 'postern'] as const)('on the %s wire', (protocol) => {
  beforeEach(() => {
    neonConfig.protocol = protocol;
  });

  test("a WebSocket that cannot be used any more, like another request's in a Worker, is an error at once", async () => {
    const sockets: WebSocket[] = [];
    const unusable = (): never => {
      throw new Error('Cannot perform I/O on behalf of a different request.');
    };
    neonConfig.webSocketConstructor = class extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
    enders.push(() => sockets.forEach((socket) => void socket.terminate()));
    const pool = pooled({ max: 1 });
    const client = await connected();
    await pool.query('SELECT 1');
    for (const socket of sockets) Object.assign(socket, { send: unusable, close: unusable });
    for (const query of [pool.query('SELECT 2'), client.query('SELECT 2')]) {
      await expect(query).rejects.toMatchObject({
        kind: 'connection',
        code: '08006',
        message: expect.stringContaining('on behalf of a different request'),
      });
    }
    expect((await pool.query('SELECT 3 AS n')).rows).toEqual([{ n: 3 }]);
  });

  describe('rows fetched in portions', () => {
    test('do not mix with what is asked meanwhile', async () => {
      const client = await connected();
      const results = await Promise.all([
        client.query({ text: 'SELECT i FROM generate_series(1, 7) AS i', rows: 3 }),
        client.query('SELECT 2 AS i'),
        client.query({ text: 'SELECT 3 AS i', rows: 3 }),
      ]);
      expect(results.map(({ rows }) => rows.length)).toEqual([7, 1, 1]);
    });

    test('fail without shifting the answers behind', async () => {
      const client = await connected();
      await client.query('CREATE TEMP TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
      await client.query('INSERT INTO late VALUES (1)');
      const failing = [
        { text: 'SELECT $1::text', values: [Symbol('x')], rows: 5, code: undefined },
        { text: 'INSERT INTO late VALUES (1) RETURNING n', rows: 5, code: '23505' },
        { text: 'SELECT 1 / (3 - i) FROM generate_series(1, 5) AS i', rows: 2, code: '22012' },
      ];
      for (const { code, ...config } of failing) {
        const [error, two, three] = await Promise.all([
          client.query(config).catch((caught) => caught),
          client.query('SELECT 2 AS n'),
          client.query('SELECT 3 AS n'),
        ]);
        expect([error.code, two.rows, three.rows]).toEqual([code, [{ n: 2 }], [{ n: 3 }]]);
      }
      const all = async (): Promise<void> => {
        for await (const _ of client.cursor('INSERT INTO late VALUES (1) RETURNING n'));
      };
      await expect(all()).rejects.toMatchObject({ code: '23505' });
      expect((await client.query('SELECT 4 AS n')).rows).toEqual([{ n: 4 }]);
    });

    test('are aborted, running or waiting to be asked for, and the client goes on', async () => {
      const client = await connected();
      const signal = AbortSignal.timeout(50);
      const sleeping = client.query({ text: 'SELECT pg_sleep(20)', rows: 1, signal });
      await expect(sleeping).rejects.toMatchObject(isAborted);
      const controller = new AbortController();
      const looping = (async () => {
        const text = 'SELECT generate_series(1, 1000) AS n';
        for await (const _ of client.cursor({ text, signal: controller.signal }, [], { batchSize: 2 })) {
          controller.abort();
        }
      })();
      await expect(looping).rejects.toMatchObject(isAborted);
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    });
  });

  test('a query whose signal was aborted before is not sent', async () => {
    const client = await connected();
    await client.query('CREATE TEMP TABLE aborted (n int)');
    const signal = AbortSignal.abort();
    for (let n = 0; n < 20; n++) {
      const inserted = client.query({ text: 'INSERT INTO aborted VALUES (1)', signal });
      await expect(inserted).rejects.toMatchObject(isAborted);
    }
    expect((await client.query('SELECT * FROM aborted')).rows).toEqual([]);
  });

  describe('statements with a name', () => {
    const one = { name: 'one', text: 'SELECT $1::int AS n', values: [1] };

    test('are prepared when it is clear that they are not', async () => {
      const client = await connected();
      const [, , within, , behind, again] = await Promise.allSettled([
        client.query('BEGIN'),
        client.query('SELECT 1 / 0'),
        client.query(one),
        client.query('ROLLBACK'),
        client.query(one),
        client.query(one),
      ]);
      expect(within).toMatchObject({ reason: { code: '25P02' } });
      for (const result of [behind, again]) expect(result).toMatchObject({ value: { rows: [{ n: 1 }] } });
    });

    test('also after one that was cancelled while it was parsed', async () => {
      const client = await connected();
      await gateway.database.query('CREATE TABLE IF NOT EXISTS locked (id int)');
      const other = await connected();
      await other.query('BEGIN; LOCK TABLE locked');
      const find = { name: 'find', text: 'SELECT id FROM locked WHERE id = $1', values: [1] };
      await expect(client.query({ ...find, query_timeout: 100 })).rejects.toMatchObject({ code: '57014' });
      await other.query('ROLLBACK');
      for (let times = 0; times < 2; times++) expect((await client.query(find)).rows).toEqual([]);
    });
  });

  test('a COPY that fails leaves nothing behind for the next one', async () => {
    const client = await connected();
    await client.query('CREATE TEMP TABLE numbers (n int)');
    await client.query('CREATE TEMP TABLE texts (t text)');
    const slowly = async function* (): AsyncGenerator<string> {
      yield 'mine 1\n';
      await delay(300);
      yield 'mine 2\n';
    };
    const large = `bad\n${'123456789\n'.repeat(800_000)}`;
    await expect(client.copyFrom('COPY numbers FROM STDIN', [large])).rejects.toMatchObject({ code: '22P02' });
    expect(await client.copyFrom('COPY texts FROM STDIN', slowly())).toEqual({ rowCount: 2 });
    const failing = async function* (): AsyncGenerator<string> {
      yield 'bad\n'.repeat(20_000);
      await delay(150);
      throw new Error('late');
    };
    await expect(client.copyFrom('COPY numbers FROM STDIN', failing())).rejects.toMatchObject({ code: '22P02' });
    expect(await client.copyFrom('COPY texts FROM STDIN', slowly())).toEqual({ rowCount: 2 });
  });

  test('COPY FROM STDIN without a source is refused, however it is asked for', async () => {
    const client = await connected();
    await client.query('CREATE TEMP TABLE numbers (n int)');
    for (const more of [{}, { name: 'copy' }, { queryMode: 'extended' as const }]) {
      const copied = client.query({ text: 'COPY numbers FROM STDIN', ...more });
      await expect(copied).rejects.toMatchObject({ code: '57014', kind: 'database' });
      const signal = AbortSignal.timeout(1);
      await client.query({ text: 'COPY numbers FROM STDIN', ...more, signal }).catch(() => {});
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }
  });

  test('cancel() makes the query fail as Postgres says', async () => {
    const client = await connected();
    const query = new Query('SELECT pg_sleep(20)');
    const failed = new Promise((resolve) => query.on('error', resolve));
    client.query(query);
    await delay(50);
    client.cancel(client, query);
    expect(await failed).toMatchObject({ code: '57014', kind: 'database' });
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  // Postgres forgets a cancel that comes before it has begun what it is about, as may be on a busy machine.
  test('cancel() before the log-in', { retry: 2, timeout: 10_000 }, async () => {
    const client = new Client(gateway.url());
    enders.push(() => client.end());
    const connecting = client.connect();
    const query = new Query('SELECT pg_sleep(20)');
    const failed = new Promise((resolve) => query.on('error', resolve));
    client.query(query);
    await delay(0); // sent along, or waiting
    client.cancel(client, query);
    await connecting;
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    if (protocol === 'postern') expect(await failed).toMatchObject({ code: '57014' });
  });

  test('query objects have their time, too', async () => {
    const client = await connected();
    const query = new Query({ text: 'SELECT pg_sleep(20)', query_timeout: 50 });
    const failed = new Promise((resolve) => query.on('error', resolve));
    client.query(query);
    expect(await failed).toMatchObject({ code: '57014' });
  });

  test('what the program throws when it is told of a result ends nothing', async () => {
    const client = await connected();
    const failure = new Error('of the program');
    const errors = await thrown(async () => {
      client.on('notice', () => {
        throw failure;
      });
      client.query("DO $$ BEGIN RAISE NOTICE 'x'; END $$", () => {
        throw failure;
      });
      client.query('SELECT 1 / 0', (error) => {
        throw error;
      });
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    });
    expect(errors).toEqual([failure, failure, expect.objectContaining({ code: '22012' })]);
  });

  test('queries that are asked for when the session dies are told', async () => {
    const client = await connected();
    const [{ pid } = { pid: 0 }] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
    const told: unknown[] = [];
    const all = new Promise((resolve) => {
      client.query({ text: 'SELECT pg_sleep(20)', query_timeout: 20_000 }, (error) => told.push(error.code));
      client.query({ text: 'SELECT 2', query_timeout: 20_000 }, () => {
        client.query('ROLLBACK', (error) => resolve(told.push(error.kind)));
      });
    });
    await delay(100);
    await gateway.database.query(`SELECT pg_terminate_backend(${pid})`);
    await all;
    expect(told).toEqual(['57P01', 'connection']);
  });

  test('two loops on one channel', async () => {
    const client = await connected();
    const [first, second] = [client.listen('news'), client.listen('news')];
    const [one, two] = [first.next(), second.next()];
    await client.query("NOTIFY news, '1'");
    expect([(await one).value?.payload, (await two).value?.payload]).toEqual(['1', '1']);
    await first.return(undefined);
    const next = second.next();
    await client.query("NOTIFY news, '2'");
    expect((await next).value?.payload).toBe('2');
    await second.return(undefined);
    expect((await client.query('SELECT * FROM pg_listening_channels()')).rows).toEqual([]);
  });

  describe('of a pool', () => {
    test('release() twice, also by the callback', async () => {
      const pool = pooled({ max: 1 });
      const release = await new Promise<() => void>((resolve) => {
        pool.connect((_error, _client, done) => resolve(done));
      });
      release();
      const mine = await pool.connect();
      expect(release).toThrow(/already been released/);
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 0]);
      mine.release();
    });

    test('a query object that cannot be sent gives its client back', async () => {
      const pool = pooled({ max: 1 });
      const query = new Query('SELECT $1', [Symbol('x')]);
      const failed = new Promise((resolve) => query.on('error', resolve));
      pool.query(query);
      expect(await failed).toMatchObject({ kind: 'usage' });
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    });

    test('a client whose transaction failed is not used again', async () => {
      const pool = pooled({ max: 1 });
      await expect(pool.query('BEGIN; SELECT 1 / 0; COMMIT')).rejects.toMatchObject({ code: '22012' });
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      await expect(pool.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
      expect(pool.totalCount).toBe(1);
    });

    test('a transaction that was aborted does not reach the next one', async () => {
      const pool = pooled({ max: 1 });
      const signal = AbortSignal.timeout(50);
      const aborted = pool.query({ text: 'BEGIN; SELECT pg_sleep(20); COMMIT', signal });
      await expect(aborted).rejects.toMatchObject(isAborted);
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    });

    test('a query object keeps its client while what "connect" started runs', async () => {
      const pool = pooled({ max: 1 });
      pool.on('connect', (client) => void client.query("SET application_name = 'mine'"));
      const query = new Query('SELECT pg_sleep(0.2)');
      const ended = new Promise((resolve) => query.on('end', resolve));
      pool.query(query);
      await delay(100);
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 0]);
      await ended;
    });

    test('an abort is heard while waiting for a client, and the place is free again', async () => {
      const pool = pooled({ max: 1 });
      const held = await pool.connect();
      const waiting = pool.query({ text: 'SELECT 1', signal: AbortSignal.timeout(50) });
      await expect(waiting).rejects.toMatchObject(isAborted);
      await expect(pool.query({ text: 'SELECT 1', signal: AbortSignal.abort() })).rejects.toMatchObject(isAborted);
      held.release();
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    });

    test('an expired client is not lent', async () => {
      const pool = pooled({ max: 1, maxLifetimeSeconds: 0.05 });
      let count = 0;
      pool.on('connect', () => count++);
      await pool.query('SELECT 1');
      await delay(100);
      await pool.query('SELECT 1');
      expect(count).toBe(2);
    });

    test('an abort while the client logs in leaves it usable', async () => {
      const relay = await startCountingRelay(gateway.port, 50);
      enders.push(() => relay.close());
      const pool = pooled({ connectionString: gateway.url({ port: relay.port }), max: 1 });
      const aborted = pool.query({ text: 'SELECT pg_sleep(20)', signal: AbortSignal.timeout(20) });
      await expect(aborted).rejects.toMatchObject(isAborted);
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect(pool.totalCount).toBe(1);
    });
  });

  test('query_timeout of a connection string; what a query does not say is as its client has it', async () => {
    const client = await connected(gateway.url({ query: '?query_timeout=50' }));
    await expect(client.query('SELECT pg_sleep(20)')).rejects.toMatchObject({ code: '57014' });
    client.setTypeParser(20, Number);
    expect((await client.query({ text: 'SELECT 1::int8 AS n', types: undefined })).rows).toEqual([{ n: 1 }]);
    const query = new Query('SELECT 1::int8 AS n');
    const ended = new Promise((resolve) => query.on('end', resolve));
    client.query(query);
    expect(await ended).toMatchObject({ rows: [{ n: 1 }] });
  });
});

test('a WebSocket that does not answer is given up by all who share it', async () => {
  neonConfig.protocol = 'postern';
  const relay = await startCountingRelay(gateway.port, 0);
  enders.push(() => relay.close());
  const pool = pooled({ connectionString: gateway.url({ port: relay.port }) });
  pool.on('error', () => {});
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  for (const client of clients) client.release();
  relay.freeze();
  expect(await clients[0]?.isAlive(0)).toBe(false);
  expect([clients[1]?.isUsable, pool.totalCount]).toEqual([false, 0]);
}, 20_000);

test('behind a log-in that is not answered the next one gets a WebSocket of its own', async () => {
  neonConfig.protocol = 'postern';
  const relay = await startCountingRelay(gateway.port, 0);
  enders.push(() => relay.close());
  const connectionString = gateway.url({ port: relay.port });
  const pool = pooled({ connectionString, connectionTimeoutMillis: 1_000 });
  const listening = await pool.connect();
  relay.freeze();
  await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '08001' });
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  // That the first one is dead is nothing to those on the second.
  const silent = pool.query('SELECT pg_sleep(6), 2 AS n');
  expect(await listening.isAlive(0)).toBe(false);
  expect((await silent).rows).toMatchObject([{ n: 2 }]);
  listening.release(true);
}, 20_000);

test('a client that is only busy does not end those who share its WebSocket', async () => {
  neonConfig.protocol = 'postern';
  const pool = pooled({ max: 2 });
  pool.on('error', () => {});
  const [busy, other] = await Promise.all([pool.connect(), pool.connect()]);
  const sleeping = busy.query('SELECT pg_sleep(20)').catch((error) => error);
  const alive = busy.isAlive(0);
  for (let times = 0; times < 11; times++) {
    await delay(500);
    await other.query('SELECT 1');
  }
  expect([await alive, (await sleeping).code]).toEqual([false, '08006']);
  for (const client of [busy, other]) client.release();
}, 20_000);

test('end() ends a log-in that waits for its password', async () => {
  const client = new Client({ connectionString: gateway.url(), password: () => new Promise(() => {}) });
  const connecting = client.connect();
  await client.end();
  await expect(connecting).rejects.toMatchObject({ code: '08003' });
});

test('a password that never comes', async () => {
  const client = new Client({
    connectionString: gateway.url(),
    password: () => new Promise(() => {}),
    connectionTimeoutMillis: 50,
  });
  await expect(client.connect()).rejects.toMatchObject({ code: '08001', kind: 'connection' });
});

test('without a WebSocket in the runtime the first query says so', async () => {
  neonConfig.protocol = 'postern';
  neonConfig.webSocketConstructor = undefined;
  const own = globalThis.WebSocket;
  Object.assign(globalThis, { WebSocket: undefined });
  await expect(pooled({}).query('SELECT 1')).rejects.toThrow(/no WebSocket/);
  Object.assign(globalThis, { WebSocket: own });
});
