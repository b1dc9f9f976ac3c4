// The handler against a real Postgres: what it sends must mean what it should, and what comes back must be what
// Postgres says.

import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createGateway } from '../gateway.ts';
import { createNodeAuthCrypto } from '../node/auth-crypto.ts';
import { createNodeClock } from '../node/clock.ts';
import { createDial } from '../node/dial.ts';
import { createDirectBackend } from './direct-backend.fixture.ts';
import { callSql, createTestSqlHandler, rawArrays, type TestReply } from './sql-client.fixture.ts';
import type { SqlHandler } from './sql-handler.ts';
import { builtInFormat } from './value-format.ts';

let database: TestDatabase;

/** Ways to a real Postgres: straight to it, as its judgement of what is sent; and through the gateway's pool. */
const ways: Record<
  string,
  (limits?: { maxResponseBytes?: number }) => { handler: SqlHandler; close(): Promise<void> }
> = {
  'straight to Postgres': (limits) => ({
    handler: createTestSqlHandler({ backend: createDirectBackend(database), ...limits }),
    close: async () => {},
  }),
  'through the pool': (limits) => {
    const gateway = createGateway(
      { endpoints: [{ name: 'test', databaseUrl: database.url, addresses: [database.host] }], poolSize: 2, ...limits },
      {
        clock: createNodeClock(),
        crypto: createNodeAuthCrypto(),
        dial: createDial(),
        log: () => {},
        ownPorts: () => [],
      },
    );
    return { handler: gateway.sql, close: () => gateway.close(0) };
  },
};

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`
    CREATE TYPE mood AS ENUM ('sad', 'happy, "very"');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN positive AS int CHECK (value > 0);
  `);
});

afterAll(() => database.drop());

describe.each(Object.entries(ways))('%s', (_way, open) => {
  let handler: SqlHandler;
  const closers: (() => Promise<void>)[] = [];
  const openAnother = (limits?: { maxResponseBytes?: number }): SqlHandler => {
    const opened = open(limits);
    closers.push(opened.close);
    return opened.handler;
  };

  beforeAll(async () => {
    handler = openAnother();
    await database.query(`
    DROP TABLE IF EXISTS child, parent, t, s, late;
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int, parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE t (id serial PRIMARY KEY, name varchar(20) UNIQUE, v numeric(10,2));
  `);
  });

  afterAll(async () => {
    for (const close of closers) await close();
  });

  const run = (
    query: string,
    params: unknown[] = [],
    headers: Record<string, string> = rawArrays,
  ): Promise<TestReply> => callSql(handler, { url: database.url, headers, body: { query, params } });

  const batch = (
    queries: { query: string; params?: unknown[] }[],
    headers: Record<string, string> = {},
  ): Promise<TestReply> =>
    callSql(handler, { url: database.url, headers: { ...rawArrays, ...headers }, body: { queries } });

  describe('a single statement', () => {
    test('fields carry what Postgres says about the columns', async () => {
      const { json } = await run('SELECT name, v, 1 AS one FROM t');
      const [{ oid } = {}] = await database.query<{ oid: number }>("SELECT 't'::regclass::oid AS oid");
      expect(json).toEqual({
        fields: [
          {
            name: 'name',
            dataTypeID: 1043,
            tableID: Number(oid),
            columnID: 2,
            dataTypeSize: -1,
            dataTypeModifier: 24,
            format: 'text',
          },
          {
            name: 'v',
            dataTypeID: 1700,
            tableID: Number(oid),
            columnID: 3,
            dataTypeSize: -1,
            dataTypeModifier: 655366,
            format: 'text',
          },
          {
            name: 'one',
            dataTypeID: 23,
            tableID: 0,
            columnID: 0,
            dataTypeSize: 4,
            dataTypeModifier: -1,
            format: 'text',
          },
        ],
        rows: [],
        command: 'SELECT',
        rowCount: 0,
        rowAsArray: true,
      });
    });

    test.each<[query: string, params: string, value: string]>([
      ['SELECT $1::text', JSON.stringify(['a"\\\n\u0001🐘']), 'a"\\\n\u0001🐘'],
      ['SELECT $1::int + $2::int', '["1", 2]', '3'],
      ['SELECT $1::bool', '[true]', 't'],
      ['SELECT $1::numeric', '[9007199254740993]', '9007199254740993'],
      ['SELECT $1::float8', '[1e2]', '100'],
      ['SELECT $1::jsonb', '[{ "b": 1, "a": [null, "x"] }]', '{"a": [null, "x"], "b": 1}'],
      ['SELECT $1::text[]', JSON.stringify([['a', null, 'NULL', 'q"\\', 'l\nb']]), '{a,NULL,"NULL","q\\"\\\\","l\nb"}'],
      ['SELECT $1::int[][]', '[[[1, 2], [3, null]]]', '{{1,2},{3,NULL}}'],
      ['SELECT $1::jsonb[]', '[[{ "foo": 1 }, { "bar": "a" }]]', '{"{\\"foo\\": 1}","{\\"bar\\": \\"a\\"}"}'],
      ['SELECT $1::text IS NULL', '[null]', 't'],
      ['SELECT length($1)', JSON.stringify(['x'.repeat(300_000)]), '300000'],
    ])('%s with parameters', async (query, params, value) => {
      const body = `{"query":${JSON.stringify(query)},"params":${params}}`;
      const reply = await callSql(handler, { url: database.url, body });
      expect(reply.json.rows).toEqual([[value]]);
    });

    test.each<[string, unknown[], object]>([
      [
        'SELECT x',
        [],
        {
          code: '42703',
          message: 'column "x" does not exist',
          position: '8',
          severity: 'ERROR',
          routine: 'errorMissingColumn',
        },
      ],
      [
        'SELECT 1; SELECT 2',
        [],
        { code: '42601', message: 'cannot insert multiple commands into a prepared statement' },
      ],
      ['SELECT $1::int', [], { code: '08P01', message: expect.stringContaining('bind message supplies 0 parameters') }],
      ['SELECT 1', ['x'], { code: '08P01', message: expect.stringContaining('bind message supplies 1 parameters') }],
      ['SELECT $1::int', ['x'], { code: '22P02' }],
      ['SELECT $1::text', ['a\0b'], { code: '22021' }],
      ['SELECT 1/(1-g) FROM generate_series(0, 3) g', [], { code: '22012' }],
      ['COPY t TO STDOUT', [], { code: '0A000' }],
      ['COPY t FROM STDIN', [], { code: '0A000' }],
    ])('%s with %j fails as Postgres says', async (query, params, error) => {
      const reply = await run(query, params);
      expect(reply.status).toBe(400);
      expect(reply.json).toMatchObject(error);
    });

    test('commands, counts, nothing', async () => {
      expect((await run('')).json).toEqual({ fields: [], rows: [], command: '', rowCount: null, rowAsArray: true });
      expect((await run('-- nothing')).json.command).toBe('');
      expect((await run("INSERT INTO t (name) VALUES ('a'), ('b')")).json).toMatchObject({
        command: 'INSERT',
        rowCount: 2,
      });
      expect((await run("UPDATE t SET v = 1 WHERE name = 'a' RETURNING v")).json).toMatchObject({
        ...{ command: 'UPDATE', rowCount: 1, rows: [['1.00']] },
      });
      expect((await run('LISTEN c')).json).toMatchObject({ command: 'LISTEN', rowCount: null });
      expect((await run("DO $$ BEGIN RAISE NOTICE 'x'; RAISE WARNING 'y'; END $$")).json.command).toBe('DO');
      expect((await run('SELECT FROM generate_series(1, 2)')).json).toMatchObject({ rows: [[], []], rowCount: 2 });
    });

    test('a duplicate key keeps its fields', async () => {
      await run("INSERT INTO t (name) VALUES ('twice')");
      expect((await run("INSERT INTO t (name) VALUES ('twice')")).json).toMatchObject({
        ...{ code: '23505', constraint: 't_name_key', table: 't', schema: 'public' },
        detail: 'Key (name)=(twice) already exists.',
      });
    });

    test('options of the connection string are honoured', async () => {
      const url = new URL(database.url);
      url.searchParams.set('application_name', 'an app');
      url.searchParams.set('statement_timeout', '50ms');
      url.searchParams.set('schema', 'My Schema');
      url.searchParams.set('options', '-c work_mem=5MB --enable-seqscan=off pooled=true endpoint=test');
      url.searchParams.set('sslmode', 'require');
      const names = ['application_name', 'search_path', 'work_mem', 'enable_seqscan', 'client_encoding'];
      const query = `SELECT ${names.map((name) => `current_setting('${name}')`).join(', ')}`;
      const { json } = await callSql(handler, { url: url.href, body: { query } });
      expect(json.rows).toEqual([['an app', '"My Schema", public', '5MB', 'off', 'UTF8']]);
      expect((await callSql(handler, { url: url.href, body: { query: 'SELECT pg_sleep(10)' } })).json.code).toBe(
        '57014',
      );
      url.searchParams.set('nonsense', '1');
      expect((await callSql(handler, { url: url.href })).json).toMatchObject({ code: '42704', severity: 'FATAL' });
    });
  });

  describe('parsed output', () => {
    const parsed = async (expressions: string): Promise<unknown> => {
      const reply = await run(`SELECT ${expressions}`, [], { 'neon-array-mode': 'true' });
      expect(reply.status).toBe(200);
      return reply.json.rows[0];
    };

    test('built-in types', async () => {
      expect(
        await parsed(`true, 1::int2, 2, 3::int8, 1.5::float8, 'NaN'::float4, 1.10, '{"a":1}'::json, '[1,2]'::jsonb, null,
        '{1,2}'::int4[], '{a,"b c",NULL}'::text[], '[2:3]={t,f}'::bool[], '{}'::int4[], '2024-02-29'::date, '\\x00'::bytea,
        array['{"a": "b"}'::jsonb], array[box '(1,1),(0,0)', null], '1 2'::int2vector, int4range(1,2)`),
      ).toEqual([
        ...[true, 1, 2, '3', 1.5, 'NaN', '1.10', { a: 1 }, [1, 2], null],
        ...[[1, 2], ['a', 'b c', null], [true, false], [], '2024-02-29', '\\x00'],
        ...[[{ a: 'b' }], ['(1,1),(0,0)', null], '1 2', '[1,2)'],
      ]);
    });

    test('types of the database’s own, known only to its catalogue', async () => {
      for (let round = 0; round < 2; round++) {
        expect(
          await parsed(`'happy, "very"'::mood, array['sad', 'happy, "very"', null]::mood[], row(1, 'a b')::pair,
          array[row(1, 'a b')::pair], 5::positive, array[5]::positive[], array[array['sad']]::mood[][]`),
        ).toEqual(['happy, "very"', ['sad', 'happy, "very"', null], '(1,"a b")', ['(1,"a b")'], 5, ['5'], [['sad']]]);
      }
    });

    test('in a batch, with known types before and behind', async () => {
      const fresh = openAnother();
      const queries = [
        { query: 'SELECT 1 AS a' },
        { query: "SELECT array['sad']::mood[] AS b" },
        { query: '' },
        { query: 'SELECT array[2] AS c', arrayMode: true },
        { query: 'SELECT row(1, null)::pair AS d' },
      ];
      const reply = await callSql(fresh, { url: database.url, headers: {}, body: { queries } });
      expect(reply.json.results.map(({ rows }) => rows)).toEqual([
        [{ a: 1 }],
        [{ b: ['sad'] }],
        [],
        [[[2]]],
        [{ d: '(1,)' }],
      ]);
    });

    test('a failed look-up makes strings and is not remembered', async () => {
      const fresh = openAnother();
      const ask = (url: string) =>
        callSql(fresh, {
          url,
          headers: {},
          body: {
            query: "SELECT array['sad']::mood[] AS m, set_config('statement_timeout', $1, false)",
            params: ['1'],
          },
        });
      // Nothing can be asked any more: the session's role may not read the catalogue.
      await database.query(`
      CREATE ROLE ${database.name}_blind LOGIN PASSWORD 'blind';
      REVOKE SELECT ON pg_catalog.pg_type FROM PUBLIC;
    `);
      try {
        const blind = await ask(database.urlFor(`${database.name}_blind`, 'blind'));
        expect(blind.json.rows).toEqual([expect.objectContaining({ m: '{sad}' })]);
      } finally {
        await database.query('GRANT SELECT ON pg_catalog.pg_type TO PUBLIC');
      }
      const seeing = await callSql(fresh, {
        url: database.url,
        headers: {},
        body: { query: "SELECT array['sad']::mood[] AS m" },
      });
      expect(seeing.json.rows).toEqual([{ m: ['sad'] }]);
      await database.query(`DROP ROLE ${database.name}_blind`);
    });

    test('every array type with a fixed OID is known as one', async () => {
      const arrays = await database.query<{ oid: string; name: string }>(
        'SELECT typarray::text AS oid, typname AS name FROM pg_type WHERE typarray BETWEEN 1 AND 9999',
      );
      const missing = arrays.filter(({ oid }) => builtInFormat(Number(oid))?.kind !== 'array');
      expect(missing).toEqual([]);
      expect(arrays.length).toBeGreaterThan(70);
    });
  });

  describe('a batch', () => {
    const count = async (table: string): Promise<number> => {
      const rows = await database.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
      return Number(rows[0]?.n);
    };

    test('is one transaction', async () => {
      const { json } = await batch([
        { query: 'SELECT txid_current()' },
        { query: 'INSERT INTO parent VALUES ($1), ($2)', params: ['1', 2] },
        { query: 'SELECT txid_current(), count(*) FROM parent' },
      ]);
      const [first, insert, last] = json.results;
      const transaction = Object.values(first?.rows[0] ?? [])[0];
      expect(insert).toMatchObject({ command: 'INSERT', rowCount: 2 });
      expect(last?.rows).toEqual([[transaction, '2']]);
      expect(await count('parent')).toBe(2);
    });

    test.each([
      [{}, ['read committed', 'off', 'off']],
      [{ 'neon-batch-isolation-level': 'ReadUncommitted' }, ['read uncommitted', 'off', 'off']],
      [
        { 'neon-batch-isolation-level': 'RepeatableRead', 'neon-batch-read-only': 'true' },
        ['repeatable read', 'on', 'off'],
      ],
      [
        {
          'neon-batch-isolation-level': 'Serializable',
          'neon-batch-read-only': 'true',
          'neon-batch-deferrable': 'true',
        },
        ['serializable', 'on', 'on'],
      ],
      [{ 'neon-batch-deferrable': 'true' }, ['read committed', 'off', 'on']],
    ])('%j', async (headers, modes) => {
      const query =
        "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only'), current_setting('transaction_deferrable')";
      const { json } = await batch([{ query }], headers as Record<string, string>);
      expect(json.results[0]?.rows).toEqual([modes]);
    });

    test('settings last for the batch', async () => {
      const { json } = await batch([
        { query: "SET IntervalStyle = 'iso_8601'" },
        { query: "SELECT '1 day'::interval" },
      ]);
      expect(json.results[1]?.rows).toEqual([['P1D']]);
    });

    test.each<[string, { query: string; params?: unknown[] }[], object]>([
      [
        'in running',
        [
          { query: 'INSERT INTO parent VALUES (10)' },
          { query: 'SELECT 1/0' },
          { query: 'INSERT INTO parent VALUES (11)' },
        ],
        { code: '22012', statementIndex: 1 },
      ],
      [
        'in parsing',
        [{ query: 'INSERT INTO parent VALUES (10)' }, { query: 'INSERT INTO parent VALUES (11)' }, { query: 'SELEKT' }],
        { code: '42601', statementIndex: 2 },
      ],
      [
        'in binding',
        [{ query: 'INSERT INTO parent VALUES (10)' }, { query: 'SELECT $1::int', params: ['x'] }],
        { code: '22P02', statementIndex: 1 },
      ],
      [
        'with a number of parameters',
        [{ query: 'INSERT INTO parent VALUES (10)' }, { query: 'SELECT $1::int' }],
        { code: '08P01', statementIndex: 1 },
      ],
      [
        'at once',
        [{ query: 'SELECT nope' }, { query: 'COMMIT' }, { query: 'INSERT INTO parent VALUES (10)' }],
        { code: '42703', statementIndex: 0 },
      ],
      [
        'with COPY',
        [{ query: 'INSERT INTO parent VALUES (10)' }, { query: 'COPY t FROM STDIN' }],
        { code: '0A000', statementIndex: 1 },
      ],
      [
        'with COPY behind what it wrote',
        [{ query: 'INSERT INTO parent VALUES (10)' }, { query: 'COPY parent TO STDOUT' }],
        { code: '0A000', statementIndex: 1 },
      ],
      [
        'with COPY before what it writes',
        [{ query: '-- all\nCOPY parent TO STDOUT' }, { query: 'INSERT INTO parent VALUES (10)' }],
        { code: '0A000', statementIndex: 0 },
      ],
      [
        'in COMMIT',
        [{ query: 'INSERT INTO child VALUES (1, 99)' }, { query: 'INSERT INTO parent VALUES (10)' }],
        { code: '23503' },
      ],
    ])('fails as a whole: %s', async (_, queries, error) => {
      const before = [await count('parent'), await count('child')];
      const reply = await batch(queries);
      expect(reply.status).toBe(400);
      expect(reply.json).toMatchObject(error);
      expect('statementIndex' in reply.json).toBe('statementIndex' in error);
      expect([await count('parent'), await count('child')]).toEqual(before);
    });

    test('a batch that reads only cannot write', async () => {
      const { json } = await batch([{ query: 'INSERT INTO parent VALUES (10)' }], { 'neon-batch-read-only': 'true' });
      expect(json).toMatchObject({ code: '25006', statementIndex: 0 });
    });

    test('a serialization failure keeps its code', async () => {
      await database.query('CREATE TABLE s (k int, v int); INSERT INTO s VALUES (1, 0), (2, 0)');
      const transfer = (from: number, to: number) =>
        batch(
          [
            { query: 'SELECT sum(v) FROM s WHERE k = $1', params: [from] },
            { query: 'SELECT pg_sleep(0.2)' },
            { query: 'UPDATE s SET v = v + 1 WHERE k = $1', params: [to] },
          ],
          { 'neon-batch-isolation-level': 'Serializable' },
        );
      const replies = await Promise.all([transfer(1, 2), transfer(2, 1)]);
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 400]);
      expect(replies.find(({ status }) => status === 400)?.json.code).toBe('40001');
    });

    test('transaction commands of the caller’s own', async () => {
      const before = await count('parent');
      const savepoint = await batch([
        { query: 'SAVEPOINT a' },
        { query: 'INSERT INTO parent VALUES (20)' },
        { query: 'ROLLBACK TO a' },
        { query: 'INSERT INTO parent VALUES (21)' },
      ]);
      expect(savepoint.json.results.map(({ command }) => command)).toEqual([
        'SAVEPOINT',
        'INSERT',
        'ROLLBACK',
        'INSERT',
      ]);
      const early = await batch([
        { query: 'INSERT INTO parent VALUES (22)' },
        { query: 'COMMIT' },
        { query: 'SELECT 1' },
      ]);
      expect(early.status).toBe(200);
      expect(await count('parent')).toBe(before + 2);
    });
  });

  describe('limits and leaving', () => {
    test('a large result: 507, the query stops', async () => {
      const small = openAnother({ maxResponseBytes: 100_000 });
      const body = { query: "SELECT 'large result', generate_series(1, 1000000000)" };
      const reply = await callSql(small, { url: database.url, body });
      expect(reply.status).toBe(507);
      expect(reply.json.message).toBe(
        'response is too large (max is 100000 bytes); what the request did may have been committed',
      );
      await vi.waitFor(async () => expect(await running('large result')).toBe(0), 5000);
    });

    test('a large result behind what was written: 507, and the truth about it', async () => {
      const small = openAnother({ maxResponseBytes: 100_000 });
      await database.query('CREATE TABLE IF NOT EXISTS written (n int)');
      const send = (...queries: string[]) =>
        callSql(small, { url: database.url, body: { queries: queries.map((query) => ({ query })) } });
      const big = "SELECT repeat('x', 60000)";
      const { status, json } = await send('INSERT INTO written VALUES (1)', big, big);
      expect(status).toBe(507);
      expect(json.message).toMatch(/; what the request did was committed$/);
      const failed = await send('INSERT INTO written VALUES (2)', big, big, 'SELECT 1 / 0');
      expect(failed).toMatchObject({ status: 507, json: { message: expect.stringMatching(/bytes\)$/) } });
      const copied = await send('INSERT INTO written VALUES (3)', 'COPY (SELECT 1) TO /* */ STDOUT');
      expect(copied).toMatchObject({ status: 400, json: { message: expect.stringMatching(/was committed$/) } });
      expect(await database.query('SELECT n FROM written ORDER BY n')).toEqual([{ n: 1 }, { n: 3 }]);
      await database.query('DROP TABLE written');
    });

    test('nine megabytes arrive whole', async () => {
      const { json } = await run("SELECT repeat('x', 1000) FROM generate_series(1, 9000)");
      expect(json.rowCount).toBe(9000);
      expect(json.rows.every((row) => (row as string[])[0]?.length === 1000)).toBe(true);
    });

    test('an aborted request cancels its statement: nothing happens later', async () => {
      await database.query('CREATE TABLE late (n int)');
      const controller = new AbortController();
      const reply = callSql(handler, {
        url: database.url,
        body: { queries: [{ query: 'SELECT pg_sleep(30) /* leaving */' }, { query: 'INSERT INTO late VALUES (1)' }] },
        signal: controller.signal,
      });
      await vi.waitFor(async () => expect(await running('leaving')).toBe(1), 5000);
      controller.abort();
      expect((await reply).json.code).toBe('57014');
      await vi.waitFor(async () => expect(await running('leaving')).toBe(0), 5000);
      expect(await database.query('SELECT * FROM late')).toEqual([]);
    });

    async function running(text: string): Promise<number> {
      const rows = await database.query<{ n: string }>(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%' || $1 || '%' AND pid <> pg_backend_pid() AND state = 'active'",
        [text],
      );
      return Number(rows[0]?.n);
    }
  });
});
