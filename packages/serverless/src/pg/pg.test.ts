// Client and Pool against a real gateway, on both wires, and against the official driver's.
import * as official from '@neondatabase/serverless';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client, DatabaseError, neon, neonConfig, Pool, PosternError, types } from '../index.ts';
import { behaviour } from '../testing/behaviour.ts';
import { startCountingRelay } from '../testing/counting-relay.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway.fixture.ts';
import type { Submittable } from './query.ts';

interface Cursor {
  read(count: number): Promise<unknown[]>;
}
// It has no types of its own.
const { default: PgCursor } = (await import('pg-cursor' as string)) as {
  default: new (text: string) => Cursor & Submittable;
};

// Its types are those of pg.
const { default: QueryStream } = (await import('pg-query-stream' as string)) as {
  default: new (
    text: string,
    values: unknown[],
    config?: { batchSize: number },
  ) => AsyncIterable<{ n: number }> & Submittable;
};

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await startGatewayFixture();
  Object.assign(official.neonConfig, {
    webSocketConstructor: WebSocket,
    useSecureWebSocket: false,
    wsProxy: (host: string) => `${host}:${gateway.port}/v2`,
    disableWarningInBrowsers: true,
  });
});
afterAll(() => gateway.close());

beforeEach(() => {
  for (const key of Object.keys(neonConfig)) delete neonConfig[key as keyof typeof neonConfig];
  neonConfig.webSocketConstructor = WebSocket;
});

async function connected(url: string = gateway.url()): Promise<Client> {
  const client = new Client(url);
  await client.connect();
  return client;
}

const settled = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

const wires = ['neon', 'postern', 'auto'] as const;

describe.each(wires)('on the %s wire, equal to the official driver', (protocol) => {
  beforeEach(() => {
    neonConfig.protocol = protocol;
  });

  test.each(behaviour.filter(({ name }) => name.startsWith('ws')))('$name', async ({ run }) => {
    const ours = await run({ Client, Pool, neon } as never, gateway.url());
    const theirs = await run(official as never, gateway.url());
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(ours)).not.toContain('XX000');
  });

  test('§9 a wrong password is an error of connect()', async () => {
    const client = new Client(gateway.url({ password: 'wrong' }));
    const error = await settled(client.connect());
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toBeInstanceOf(PosternError);
    expect(error).toMatchObject({ code: '28P01', severity: 'FATAL' });
    const pool = new Pool({ connectionString: gateway.url({ password: 'wrong' }) });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(pool.totalCount).toBe(0);
    await pool.end();
  });

  test('pipelines independent queries; each has its own error', async () => {
    const client = await connected();
    const outcomes = await Promise.allSettled([
      client.query('SELECT $1::int AS n', [1]),
      client.query('SELECT 1 / $1::int', [0]),
      client.query('SELECT 3 AS n'),
      client.query('nonsense'),
      client.query({ name: 'x', text: 'SELECT $1::int AS n' }, [5]),
      client.query({ name: 'x', text: 'SELECT $1::int AS n' }, [6]),
    ]);
    expect(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.rows[0]?.n : outcome.reason.code)),
    ).toEqual([1, '22012', 3, '42601', 5, 6]);
    await client.end();
  });

  test('a large parameter and a large result', async () => {
    const client = await connected();
    const text = 'é'.repeat(3_000_000);
    const { rows } = await client.query('SELECT $1::text AS t, length($1) AS n', [text]);
    expect(rows[0]?.n).toBe(3_000_000);
    expect(rows[0]?.t === text).toBe(true);
    await client.end();
  });

  test('a signal and a timeout cancel on the server, and the client goes on', async () => {
    const client = await connected();
    const first = settled(client.query({ text: 'SELECT pg_sleep(30)', signal: AbortSignal.timeout(50) }));
    const next = client.query('SELECT 1 AS n');
    expect(await first).toMatchObject({ code: '57014', name: 'NeonDbError' });
    expect((await next).rows).toEqual([{ n: 1 }]);
    expect(await settled(client.query({ text: 'SELECT pg_sleep(30)', query_timeout: 50 }))).toMatchObject({
      message: 'Query read timeout',
    });
    expect((await client.query('SELECT 2 AS n')).rows).toEqual([{ n: 2 }]);
    expect(
      await gateway.database.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(30)' AND state = 'active'",
      ),
    ).toEqual([]);
    const aborted = new AbortController();
    aborted.abort();
    expect(await settled(client.query({ text: 'SELECT 1', signal: aborted.signal }))).toMatchObject({ code: '57014' });
    await client.end();
  });

  test('§9 COPY in and out, with back-pressure', async () => {
    const client = await connected();
    await client.query('CREATE TEMP TABLE copied (n int, t text)');
    async function* source(): AsyncGenerator<string> {
      for (let n = 0; n < 40_000; n++) yield `${n}\t${'x'.repeat(100)}\n`;
    }
    const [{ rowCount }, after] = await Promise.all([
      client.copyFrom('COPY copied FROM STDIN', source()),
      client.query('SELECT count(*)::int AS n FROM copied'),
    ]);
    expect([rowCount, after.rows]).toEqual([40_000, [{ n: 40_000 }]]);
    let bytes = 0;
    for await (const chunk of client.copyTo('COPY copied TO STDOUT')) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(4_000_000);
    for await (const _ of client.copyTo('COPY copied TO STDOUT')) break;
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    async function* failing(): AsyncGenerator<string> {
      yield '1\tx\n';
      throw new Error('no more');
    }
    await expect(client.copyFrom('COPY copied FROM STDIN', failing())).rejects.toThrow('no more');
    await expect(client.copyFrom('COPY copied FROM STDIN', ['not a row\n'])).rejects.toMatchObject({ code: '22P02' });
    await expect(client.copyFrom('COPY nowhere FROM STDIN', [])).rejects.toMatchObject({ code: '42P01' });
    await expect(client.query('COPY copied FROM STDIN')).rejects.toMatchObject({ code: '57014' });
    expect((await client.query('SELECT count(*)::int AS n FROM copied')).rows).toEqual([{ n: 40_000 }]);
    await client.end();
  });

  test('cursors', async () => {
    const client = await connected();
    const seen: unknown[] = [];
    for await (const row of client.cursor<{ n: number }>('SELECT * FROM generate_series(1, $1::int) AS n', [10], {
      batchSize: 3,
    })) {
      seen.push(row.n);
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const stopAt of [1, 3, 4]) {
      for await (const row of client.cursor<{ n: number }>('SELECT * FROM generate_series(1, 1000000) AS n', [], {
        batchSize: 3,
      })) {
        if (row.n === stopAt) break;
      }
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }
    const failing = client.cursor('SELECT 1 / (5 - n) FROM generate_series(1, 9) AS n', [], { batchSize: 2 });
    await expect(
      (async () => {
        for await (const _ of failing);
      })(),
    ).rejects.toMatchObject({ code: '22012' });
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  test('pg-cursor', async () => {
    const client = await connected();
    const cursor = client.query(new PgCursor('SELECT * FROM generate_series(1, 5) AS n'));
    const after = client.query('SELECT 6 AS n');
    expect([await cursor.read(2), await cursor.read(2), await cursor.read(2), await cursor.read(2)]).toEqual([
      [{ n: 1 }, { n: 2 }],
      [{ n: 3 }, { n: 4 }],
      [{ n: 5 }],
      [],
    ]);
    expect((await after).rows).toEqual([{ n: 6 }]);
    const broken = client.query(new PgCursor('nonsense'));
    await expect(broken.read(1)).rejects.toMatchObject({ code: '42601' });
    expect((await client.query('SELECT 7 AS n')).rows).toEqual([{ n: 7 }]);
    await client.end();
  });

  test('pg-query-stream, read to its end, left early, by a client and by a pool', async () => {
    const client = await connected();
    const pool = new Pool({ connectionString: gateway.url(), max: 1 });
    const text = 'SELECT * FROM generate_series(1, $1::int) AS n';
    for (const on of [client, pool]) {
      let sum = 0;
      for await (const { n } of on.query(new QueryStream(text, [1_000], { batchSize: 64 }))) sum += n;
      expect(sum).toBe(500_500);
      for await (const { n } of on.query(new QueryStream(text, [1_000_000], { batchSize: 8 }))) if (n === 20) break;
      const failing = on.query(new QueryStream('SELECT 1 / (5 - n) AS n FROM generate_series(1, 9) AS n', []));
      await expect(
        (async () => {
          for await (const _ of failing);
        })(),
      ).rejects.toMatchObject({ code: '22012' });
      expect((await on.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }
    await client.end();
    await pool.end();
    expect(pool.totalCount).toBe(0);
  });

  test('LISTEN as a loop', async () => {
    const client = await connected();
    const received: string[] = [];
    const loop = (async () => {
      for await (const { payload } of client.listen('my channel')) {
        received.push(payload);
        if (received.length === 2) break;
      }
    })();
    await expect
      .poll(async () => {
        await gateway.database.query("SELECT pg_notify('my channel', 'x')");
        return received.length;
      })
      .toBeGreaterThanOrEqual(2);
    await loop;
    expect((await client.query('SELECT count(*)::int AS n FROM pg_listening_channels()')).rows).toEqual([{ n: 0 }]);
    await client.end();
  });

  test('a dropped idle connection never throws out of the pool', async () => {
    const pool = new Pool({ connectionString: gateway.url({ query: '?application_name=to_be_killed' }) });
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    const client = await connected(gateway.url({ query: '?application_name=to_be_killed' }));
    await gateway.database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'to_be_killed'",
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await pool.end();
    await client.end();
  });
});

describe('the rest of node-postgres', () => {
  test('small pieces of COPY travel together, and are copied', async () => {
    let sent = 0;
    neonConfig.webSocketConstructor = class extends WebSocket {
      override send(data: Uint8Array): void {
        sent++;
        super.send(data);
      }
    };
    const client = await connected();
    await client.query('CREATE TEMP TABLE copied (n int)');
    sent = 0;
    function* source(): Generator<Uint8Array> {
      const same = new Uint8Array(7);
      for (let n = 100_000; n < 130_000; n++) {
        new TextEncoder().encodeInto(`${n}\n`, same);
        yield same;
      }
    }
    expect(await client.copyFrom('COPY copied FROM STDIN', source())).toEqual({ rowCount: 30_000 });
    expect(sent).toBeLessThan(20);
    const { rows } = await client.query('SELECT count(DISTINCT n)::int AS n FROM copied');
    expect(rows).toEqual([{ n: 30_000 }]);
    await client.end();
  });

  test('events come in the order of the official driver', async () => {
    const seen: string[][] = [];
    for (const driver of [official.Client, Client]) {
      const events: string[] = [];
      const client = new driver(gateway.url()) as Client;
      for (const event of ['connect', 'drain', 'end', 'notice', 'error'] as const)
        client.on(event, () => events.push(event));
      await client.connect();
      await client.query('SELECT 1');
      await client.query("DO $$ BEGIN RAISE NOTICE 'x'; END $$");
      await new Promise((resolve) => setTimeout(resolve, 20));
      await client.end();
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push(events);
    }
    expect(seen[1]).toEqual(seen[0]);
  });

  test('§9 what listens to a pool decides how queries travel, as long as it listens', async () => {
    neonConfig.poolQueryViaFetch = true;
    const pool = new Pool({ connectionString: gateway.url() });
    const viaFetch = async (): Promise<boolean> => 'viaNeonFetch' in (await pool.query('SELECT 1'));
    const listener = (): void => {};
    pool.on('error', listener);
    expect(await viaFetch()).toBe(true);
    pool.prependListener('connect', listener);
    expect(await viaFetch()).toBe(false);
    pool.off('connect', listener);
    expect(await viaFetch()).toBe(true);
    await pool.end();
  });

  test('callbacks', async () => {
    const client = new Client(gateway.url());
    await new Promise<void>((resolve, reject) => client.connect((error) => (error ? reject(error) : resolve())));
    const row = await new Promise((resolve) =>
      client.query('SELECT $1::int AS n', [1], (_, result) => resolve(result.rows[0])),
    );
    const error = await new Promise<PosternError>((resolve) => client.query('nonsense', (failure) => resolve(failure)));
    expect([row, error.code]).toEqual([{ n: 1 }, '42601']);
    await new Promise<void>((resolve) => client.end(() => resolve()));
    const pool = new Pool({ connectionString: gateway.url(), max: 1 });
    expect(await new Promise((resolve) => pool.query('SELECT 1 AS n', (_, result) => resolve(result.rows)))).toEqual([
      { n: 1 },
    ]);
    await new Promise<void>((resolve) =>
      pool.connect((_, lent, release) => {
        expect(lent).toBeInstanceOf(Client);
        release();
        resolve();
      }),
    );
    await new Promise<void>((resolve) => pool.end(resolve));
  });

  test('§9 end() resolves, also when the server does not close', async () => {
    const client = await connected();
    await client.end();
    await client.end();
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ kind: 'connection' });
    await expect(client.connect()).rejects.toThrow(/cannot reuse/);
  });

  test('end() with a running query', async () => {
    const client = await connected();
    const running = settled(client.query('SELECT pg_sleep(31)'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.end();
    expect(await running).toMatchObject({ message: 'Connection terminated' });
    await expect
      .poll(() =>
        gateway.database.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(31)' AND state = 'active'",
        ),
      )
      .toEqual([]);
  });

  test('queries before connect(), and in the same turn', async () => {
    const client = new Client(gateway.url());
    const before = client.query('SELECT 1 AS n');
    const connecting = client.connect();
    const during = client.query('SELECT 2 AS n');
    expect([(await before).rows, (await during).rows]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
    expect(await connecting).toBe(client);
    await client.end();
  });

  test('events of a pool, limits, release with an error', async () => {
    const pool = new Pool({ connectionString: gateway.url(), max: 2, connectionTimeoutMillis: 1_500, maxUses: 3 });
    const events: string[] = [];
    for (const event of ['connect', 'acquire', 'release', 'remove']) pool.on(event, () => events.push(event));
    const one = await pool.connect();
    const two = await pool.connect();
    await expect(pool.connect()).rejects.toThrow(/timeout exceeded/);
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 0]);
    one.release();
    expect(() => one.release()).toThrow(/already been released/);
    two.release(new Error('bad'));
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
    const waiting = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('SELECT $1::int AS n', [n])));
    expect(waiting.map(({ rows }) => rows[0]?.n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    await pool.end();
    expect(pool.totalCount).toBe(0);
    expect(events.slice(0, 7)).toEqual(['connect', 'acquire', 'connect', 'acquire', 'release', 'release', 'remove']);
    await expect(pool.query('SELECT 1')).rejects.toThrow(/after calling end/);
  });

  test('a query waiting in a full pool gets a new client when one dies', async () => {
    const pool = new Pool({ connectionString: gateway.url(), max: 1 });
    const lent = await pool.connect();
    const waiting = pool.query('SELECT 1 AS n');
    lent.release(true);
    expect((await waiting).rows).toEqual([{ n: 1 }]);
    await pool.end();
  });

  test('waiting for a client that cannot connect fails, and leaves nothing behind', async () => {
    neonConfig.protocol = 'neon';
    const relay = await startCountingRelay(gateway.port, 1);
    const pool = new Pool({ connectionString: `${gateway.url({ port: relay.port })}?connect_timeout=0.2`, max: 1 });
    const lent = await pool.connect();
    const waiting = settled(pool.query('SELECT 1'));
    relay.close();
    lent.release(true);
    expect(await waiting).toMatchObject({ kind: 'connection', safeToRetry: true });
    expect([pool.totalCount, pool.waitingCount]).toEqual([0, 0]);
    await pool.end();
  });

  test('password functions, parts of the connection, own parsers, escapes', async () => {
    const { database } = gateway;
    const client = new Client({
      host: '127.0.0.1',
      port: gateway.port,
      user: database.user,
      database: database.name,
      password: async () => database.password,
      application_name: 'mine',
      types: {
        getTypeParser: (oid, format) => (oid === 25 ? (text) => `<${text}>` : types.getTypeParser(oid, format)),
      },
    });
    await client.connect();
    client.setTypeParser(20, BigInt);
    const { rows } = await client.query("SELECT current_setting('application_name') AS a, 1::int8 AS b");
    expect(rows).toEqual([{ a: '<mine>', b: 1n }]);
    expect([client.escapeIdentifier('a"b'), client.escapeLiteral("it's"), client.escapeLiteral('a\\b')]).toEqual([
      '"a""b"',
      "'it''s'",
      " E'a\\\\b'",
    ]);
    const printed = JSON.stringify([client, new Client(gateway.url()), new Pool({ connectionString: gateway.url() })]);
    expect(printed).not.toContain(`:${database.password}@`);
    expect(printed).not.toContain('"password"');
    await client.end();
  });

  test('a pool takes the connection in parts', async () => {
    const { database, port } = gateway;
    const { user, password, name } = database;
    const pool = new Pool({ host: '127.0.0.1', port, user, password, database: name });
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    expect([pool.options.password, JSON.stringify(pool)]).toEqual([
      password,
      expect.not.stringContaining('"password"'),
    ]);
    await pool.end();
  });

  test('poolQueryViaFetch keeps port, options and password function', async () => {
    neonConfig.poolQueryViaFetch = true;
    const pool = new Pool({
      connectionString: gateway.url({ password: 'x', query: '?application_name=via_fetch' }),
      password: () => gateway.database.password,
    });
    const result = await pool.query("SELECT current_setting('application_name') AS a");
    expect(result).toMatchObject({ rows: [{ a: 'via_fetch' }], viaNeonFetch: true });
    expect(pool.totalCount).toBe(0);
  });

  test('poolQueryViaFetch takes the connection in parts, whatever is in them', async () => {
    neonConfig.poolQueryViaFetch = true;
    const { database, port } = gateway;
    const user = `o%64d@${database.name}`;
    const password = 'a%41/?#@:';
    await database.query(`CREATE ROLE "${user}" LOGIN PASSWORD '${password}'`);
    const parts = { user, database: database.name, host: '127.0.0.1', port };
    const connectionString = gateway.url({ user, password });
    for (const config of [{ ...parts, password }, { ...parts, password: async () => password }, { connectionString }]) {
      const result = await new Pool(config).query('SELECT current_user AS u');
      expect(result).toMatchObject({ rows: [{ u: user }], viaNeonFetch: true });
    }
    await database.query(`DROP ROLE "${user}"`);
    await expect(new Pool({ ...parts, user: 'nobody' }).query('SELECT 1')).rejects.toMatchObject({ kind: 'database' });
  });
});

describe('SCRAM', () => {
  test('§9 with native key derivation', async () => {
    const scram = await startGatewayFixture({ authMethod: 'scram' });
    neonConfig.pipelineConnect = false;
    for (const protocol of wires) {
      neonConfig.protocol = protocol;
      const client = await connected(scram.url());
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      await client.end();
      await expect(new Client(scram.url({ password: 'wrong' })).connect()).rejects.toMatchObject({ code: '28P01' });
    }
    await scram.close();
  });
});

describe('failures of the WebSocket', () => {
  test('§9 nobody there: an Error, after trying for connect_timeout', async () => {
    neonConfig.protocol = 'neon';
    const error = await settled(new Client(`${gateway.url({ port: 1 })}?connect_timeout=0.3`).connect());
    expect(error).toBeInstanceOf(PosternError);
    expect(error).toMatchObject({ kind: 'connection', code: '08001', safeToRetry: true });
    expect(String((error as Error).stack)).not.toContain(gateway.database.password);
  });

  test('§9 a server that is silent: connect() times out', async () => {
    const relay = await startCountingRelay(gateway.port, 3_000);
    for (const protocol of wires) {
      neonConfig.protocol = protocol;
      const client = new Client({ connectionString: gateway.url({ port: relay.port }), connectionTimeoutMillis: 100 });
      expect(await settled(client.connect())).toMatchObject({
        message: 'Connection terminated due to connection timeout',
      });
    }
    relay.close();
  });

  test('no WebSocket in this runtime', async () => {
    if ('WebSocket' in globalThis) return;
    delete neonConfig.webSocketConstructor;
    await expect(new Client(gateway.url()).connect()).rejects.toThrow(/webSocketConstructor/);
  });

  test('a lost connection: what was sent is not safe to repeat, what was not is', async () => {
    const relay = await startCountingRelay(gateway.port);
    neonConfig.protocol = 'neon';
    const client = await connected(gateway.url({ port: relay.port }));
    const errors: Error[] = [];
    client.on('error', (error: Error) => errors.push(error));
    const running = settled(client.query({ text: 'SELECT pg_sleep(5)', query_timeout: 4_000 }));
    const waiting = settled(client.query('SELECT 1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    relay.close();
    expect(await running).toMatchObject({ code: '08006', safeToRetry: false });
    expect(await waiting).toMatchObject({ safeToRetry: true });
    expect(errors).toHaveLength(1);
  });
});

describe('round trips, counted by a relay', () => {
  test('fresh WebSocket to first row: 1 with postern.v1, 2 with the official driver', async () => {
    const counts: number[] = [];
    for (const protocol of ['postern', 'neon', 'official'] as const) {
      const relay = await startCountingRelay(gateway.port);
      const connectionString = gateway.url({ port: relay.port });
      if (protocol !== 'official') neonConfig.protocol = protocol;
      else official.neonConfig.wsProxy = (host) => `${host}:${relay.port}/v2`;
      const pool = (
        protocol === 'official' ? new official.Pool({ connectionString }) : new Pool({ connectionString })
      ) as Pool;
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      counts.push(relay.roundTrips);
      await pool.end();
      relay.close();
    }
    official.neonConfig.wsProxy = (host) => `${host}:${gateway.port}/v2`;
    expect(counts).toEqual([1, 2, 2]);
  });

  test('ten sessions of a pool: one handshake', async () => {
    const relay = await startCountingRelay(gateway.port);
    neonConfig.protocol = 'postern';
    const pool = new Pool({ connectionString: gateway.url({ port: relay.port }), max: 10 });
    const clients = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
    expect(new Set(clients.map(({ processID }) => processID)).size).toBe(10);
    expect(relay.connections).toBe(1);
    for (const client of clients) client.release();
    await pool.end();
    relay.close();
  });
});
