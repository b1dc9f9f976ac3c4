// `pg` over TCP, unmodified, on the pooled connection with another caller on the same two connections.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';

interface PgCursor<Row> extends pg.Submittable {
  read(count: number): Promise<Row[]>;
  close(): Promise<void>;
}
// It has no types of its own.
const { default: Cursor } = (await import('pg-cursor' as string)) as {
  default: new <Row>(text: string, values?: unknown[]) => PgCursor<Row>;
};

let pooled: PooledGateway;
let noise: NoisyCaller;
const clients: pg.Client[] = [];

beforeAll(async () => {
  // Several of these sessions hold what pins them, at once.
  pooled = await openPooledGateway({ gateway: { limits: { maxPinned: 6 } } });
  await pooled.database.query(`
    CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);
    INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 1000) n`);
  noise = await startNoisyCaller(pooled.tcpUrl);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

afterAll(async () => {
  await noise.stop();
  await pooled.close();
});

async function connect(config: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: pooled.tcpUrl, ...config });
  clients.push(client);
  await client.connect();
  return client;
}

describe('named statements', () => {
  test('of two callers under one name, prepared once each', async () => {
    const [first, second] = [await connect(), await connect()];
    for (let id = 1; id <= 25; id++) {
      const [one, two] = await Promise.all([
        first.query({ name: 'find', text: 'SELECT name FROM items WHERE id = $1', values: [id] }),
        second.query({ name: 'find', text: 'SELECT upper(name) AS name FROM items WHERE id = $1', values: [id] }),
      ]);
      expect([one.rows, two.rows]).toEqual([[{ name: `item ${id}` }], [{ name: `ITEM ${id}` }]]);
    }
  });

  test('are seen by EXECUTE and forgotten by DEALLOCATE as in Postgres', async () => {
    const client = await connect();
    await client.query({ name: 'find', text: 'SELECT name FROM items WHERE id = $1', values: [1] });
    expect((await client.query('EXECUTE find(7)')).rows).toEqual([{ name: 'item 7' }]);
    await client.query('DEALLOCATE find');
    await expect(client.query('EXECUTE find(7)')).rejects.toMatchObject({ code: '26000' });
    // `pg` believes it is still there.
    await expect(
      client.query({ name: 'find', text: 'SELECT name FROM items WHERE id = $1', values: [1] }),
    ).rejects.toMatchObject({ code: '26000', message: 'prepared statement "find" does not exist' });
  });

  test('survive a change of the table', async () => {
    const client = await connect();
    const all = { name: 'all', text: 'SELECT * FROM changing' };
    await client.query('CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)');
    expect((await client.query(all)).rows).toEqual([{ a: 1 }]);
    await client.query('ALTER TABLE changing ADD b int DEFAULT 2');
    expect((await client.query(all)).rows).toEqual([{ a: 1, b: 2 }]);
  });
});

test('pg-cursor reads a portal bit by bit while others take turns', async () => {
  const client = await connect();
  const cursor = client.query(new Cursor<{ id: number }>('SELECT id FROM items WHERE id > $1 ORDER BY id', [0]));
  const seen: number[] = [];
  for (let rows = await cursor.read(70); rows.length > 0; rows = await cursor.read(70)) {
    seen.push(...rows.map(({ id }) => id));
  }
  expect(seen).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
  await cursor.close();

  await client.query('BEGIN');
  const half = client.query(new Cursor('SELECT id FROM items ORDER BY id'));
  expect(await half.read(2)).toEqual([{ id: 1 }, { id: 2 }]);
  await half.close();
  await client.query('COMMIT');
  const failing = client.query(new Cursor('SELECT 1 / (id - 3) FROM items ORDER BY id'));
  await expect(failing.read(10)).rejects.toMatchObject({ code: '22012' });
  expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
});

test('LISTEN hears of other sessions, of its own, and of a statement on Postgres itself', async () => {
  const [listener, speaker] = [await connect(), await connect()];
  const heard: unknown[] = [];
  listener.on('notification', ({ channel, payload }) => void heard.push([channel, payload]));
  await listener.query('LISTEN news; LISTEN "Mixed Case"');
  expect((await listener.query('SELECT pg_listening_channels() AS channel')).rows).toEqual(
    expect.arrayContaining([{ channel: 'news' }, { channel: 'Mixed Case' }]),
  );
  await speaker.query(`NOTIFY news, '1'`);
  await listener.query(`NOTIFY "Mixed Case", '2'`);
  await pooled.database.query(`NOTIFY news, '3'`);
  await expect.poll(() => heard.length).toBe(3);
  expect(heard).toEqual(
    expect.arrayContaining([
      ['news', '1'],
      ['Mixed Case', '2'],
      ['news', '3'],
    ]),
  );
});

test('a notification arrives although its listener has just got the connection it was sent on', async () => {
  const single = await openPooledGateway({ poolSize: 1 });
  const [listener, speaker] = [
    await connect({ connectionString: single.tcpUrl }),
    await connect({ connectionString: single.tcpUrl }),
  ];
  const heard: unknown[] = [];
  listener.on('notification', ({ payload }) => void heard.push(payload));
  await listener.query('LISTEN news');
  const said: string[] = [];
  for (let round = 0; round < 20; round++) {
    said.push(`theirs ${round}`, `own ${round}`);
    await Promise.all([
      speaker.query(`NOTIFY news, 'theirs ${round}'`),
      listener.query(`NOTIFY news, 'own ${round}'; SELECT pg_sleep(0.02)`),
    ]);
  }
  await expect.poll(() => [...heard].sort()).toEqual(said.sort());
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await single.close();
});

test('a database can be dropped as soon as the last pooled session has left it', async () => {
  const client = await connect();
  const name = `${pooled.database.name}_dropped`;
  await client.query(`CREATE DATABASE ${name}`);
  const visitor = await connect({
    connectionString: Object.assign(new URL(pooled.tcpUrl), { pathname: `/${name}` }).href,
  });
  await visitor.query('CREATE TABLE notes (n int)');
  await clients.pop()?.end();
  await client.query(`DROP DATABASE ${name}`);
});

test("start-up parameters are the session's, and RESET leads back to them", async () => {
  const client = await connect({
    application_name: 'named',
    statement_timeout: 4321,
    options: '-c pooled=true -c search_path=pg_catalog -c work_mem=3MB',
    connectionString: pooled.tcpUrl.replace(/\?.*/, ''),
  });
  const show = `SELECT current_setting('application_name') AS app, current_setting('statement_timeout') AS timeout,
                       current_setting('search_path') AS path, current_setting('work_mem') AS memory`;
  const started = { app: 'named', timeout: '4321ms', path: 'pg_catalog', memory: '3MB' };
  expect((await client.query(show)).rows).toEqual([started]);
  await client.query(`SET work_mem = '9MB'; SET statement_timeout = 0`);
  expect((await client.query(show)).rows).toEqual([{ ...started, timeout: '0', memory: '9MB' }]);
  await client.query('RESET ALL');
  expect((await client.query(show)).rows).toEqual([started]);
});

test('what a pool usually takes away', async () => {
  const [client, other] = [await connect(), await connect()];
  await client.query(`CREATE TEMP TABLE notes AS SELECT 'mine' AS note`);
  await client.query('SELECT pg_advisory_lock(4711)');
  await client.query('BEGIN; DECLARE kept CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY id; COMMIT');
  expect((await other.query('SELECT pg_try_advisory_lock(4711) AS got')).rows).toEqual([{ got: false }]);
  await expect(other.query('SELECT note FROM notes')).rejects.toMatchObject({ code: '42P01' });
  await expect(other.query('FETCH kept')).rejects.toMatchObject({ code: '34000' });
  expect((await client.query('SELECT note FROM notes')).rows).toEqual([{ note: 'mine' }]);
  expect((await client.query('FETCH 2 FROM kept')).rows).toEqual([{ id: 1 }, { id: 2 }]);
  await client.query('CLOSE kept; DROP TABLE notes; SELECT pg_advisory_unlock(4711)');
  expect((await other.query('SELECT pg_try_advisory_lock(4711) AS got')).rows).toEqual([{ got: true }]);
  await other.query('SELECT pg_advisory_unlock_all()');
});

test('a client that ends with state leaves nothing', async () => {
  const leaving = await connect();
  await leaving.query(
    `CREATE TEMP TABLE notes (n int); SELECT pg_advisory_lock(4712); SET work_mem = '8MB'; LISTEN news; BEGIN; INSERT INTO items VALUES (-1, 'never')`,
  );
  await clients.pop()?.end();
  const other = await connect();
  await expect
    .poll(async () => (await other.query('SELECT pg_try_advisory_lock(4712) AS got')).rows)
    .toEqual([{ got: true }]);
  await other.query('SELECT pg_advisory_unlock(4712)');
  for (let round = 0; round < 6; round++) {
    const { rows } =
      await other.query(`SELECT to_regclass('pg_temp.notes') AS notes, current_setting('work_mem') AS memory,
                                               (SELECT count(*)::int FROM items WHERE id = -1) AS never`);
    expect(rows).toEqual([{ notes: null, memory: '4MB', never: 0 }]);
  }
});

test('Pool: transactions of many callers, each seeing only its own', async () => {
  const pool = new pg.Pool({ connectionString: pooled.tcpUrl, max: 20 });
  const transfers = Array.from({ length: 100 }, async (_, n) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SET LOCAL application_name = 'caller ${n}'`);
      const { rows } = await client.query(
        `SELECT current_setting('application_name') AS who, txid_current()::text AS tx`,
      );
      await client.query(n % 2 ? 'COMMIT' : 'ROLLBACK');
      return rows[0];
    } finally {
      client.release();
    }
  });
  const seen = await Promise.all(transfers);
  expect(seen.map(({ who }) => who)).toEqual(seen.map((_, n) => `caller ${n}`));
  expect(new Set(seen.map(({ tx }) => tx)).size).toBe(100);
  await pool.end();
});

test('queries sent without waiting for the answers', async () => {
  const client = await connect({ pipelining: true } as pg.ClientConfig);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      client.query(n % 7 === 0 ? 'SELECT 1 / ($1::int - $1::int) AS n' : 'SELECT $1::int AS n', [n]).then(
        ({ rows }) => rows[0].n,
        ({ code }) => code,
      ),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => (n % 7 === 0 ? '22012' : n)));
});
