// What Prisma's runtime, the schema engine or a program asks of the adapter itself, over both transports.

import { PrismaPostern, type PrismaPosternConfig, type SqlDriverAdapter, type SqlQuery } from '@postern/prisma-adapter';
import { configure } from '@postern/serverless';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

configure({ webSocketConstructor: WebSocket });

let database: TestDatabase;
let gateway: OpenedGateway;
const adapters: SqlDriverAdapter[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query('CREATE TABLE t (n int PRIMARY KEY)');
  gateway = await openGateway(database, { poolSize: 3 });
});
afterAll(async () => {
  await Promise.all(adapters.map((adapter) => adapter.dispose()));
  await gateway?.close();
  await database?.drop();
});

const query = (sql: string, ...args: unknown[]): SqlQuery => ({
  sql,
  args,
  argTypes: args.map(() => ({ scalarType: 'unknown', arity: 'scalar' })),
});

describe.each(['http', 'ws'] as const)('over %s', (transport) => {
  async function open(config: Partial<PrismaPosternConfig> & { query?: string } = {}): Promise<SqlDriverAdapter> {
    const { query: options, ...rest } = config;
    const adapter = await new PrismaPostern({ connectionString: gateway.url(options), transport, ...rest }).connect();
    adapters.push(adapter);
    return adapter;
  }
  const rowsOf = async (adapter: Pick<SqlDriverAdapter, 'queryRaw'>, sql: string): Promise<unknown[][]> =>
    (await adapter.queryRaw(query(sql))).rows;
  const tables = async (name: string): Promise<unknown> =>
    (await database.query('SELECT count(*)::int AS n FROM pg_tables WHERE tablename = $1', [name]))[0]?.n;

  test('rows are arrays, columns may share a name', async () => {
    const adapter = await open();
    expect(await adapter.queryRaw(query('SELECT $1::int AS a, 2::int8 AS a, null AS b', 1))).toEqual({
      columnNames: ['a', 'a', 'b'],
      columnTypes: [0, 1, 7],
      rows: [[1, '2', null]],
    });
    expect(await adapter.executeRaw(query('SELECT 1 WHERE $1', false))).toBe(0);
  });

  test('the schema is searched first, given either way, and public behind it', async () => {
    const schemaName = `my "Shop", v1.2's ü+%`;
    const quoted = `"${schemaName.replaceAll('"', '""')}"`;
    await database.query(`CREATE SCHEMA IF NOT EXISTS ${quoted}`);
    for (const config of [{ schema: schemaName }, { query: `?schema=${encodeURIComponent(schemaName)}` }]) {
      const adapter = await open(config);
      expect(adapter.getConnectionInfo()).toEqual({ schemaName, supportsRelationJoins: true });
      expect(await rowsOf(adapter, 'SELECT current_schema()::text')).toEqual([[schemaName]]);
      // Where extensions are, whose operators model queries need.
      expect(await rowsOf(adapter, 'SHOW search_path')).toEqual([[`${quoted}, public`]]);
      const tx = await adapter.startTransaction();
      expect(await rowsOf(tx, 'SELECT current_schema()::text')).toEqual([[schemaName]]);
      await tx.rollback();
    }
    expect((await open()).getConnectionInfo()).toEqual({ supportsRelationJoins: true });
  });

  test('times are right in any TimeZone of the session', async () => {
    const adapter = await open({ query: `?options=${encodeURIComponent('-c TimeZone=Asia/Kolkata')}` });
    expect(await rowsOf(adapter, 'SHOW TimeZone')).toEqual([['Asia/Kolkata']]);
    const { rows } = await adapter.queryRaw({
      sql: `SELECT $1::timestamptz, $2::timestamptz, ARRAY[$1::timestamptz], '12:00+05:30'::timetz`,
      args: ['2024-01-02T03:04:05.678Z', new Date('2024-01-02T03:04:05.678Z')],
      argTypes: [
        { scalarType: 'datetime', dbType: 'TIMESTAMPTZ', arity: 'scalar' },
        { scalarType: 'unknown', arity: 'scalar' },
      ],
    });
    const instant = '2024-01-02T03:04:05.678+00:00';
    expect(rows).toEqual([[instant, instant, [instant], '06:30:00']]);
  });

  test('bytes come as numbers and go back as they came', async () => {
    const adapter = await open();
    const [[bytes] = []] = await rowsOf(adapter, String.raw`SELECT '\x00ff'::bytea`);
    expect(bytes).toEqual([0, 255]);
    const { rows } = await adapter.queryRaw({
      sql: 'SELECT encode($1, $2)',
      args: [bytes, 'hex'],
      argTypes: [
        { scalarType: 'bytes', arity: 'scalar' },
        { scalarType: 'string', arity: 'scalar' },
      ],
    });
    expect(rows).toEqual([['00ff']]);
  });

  test('a text that was cut within a surrogate pair is stored, as the official adapters do', async () => {
    const adapter = await open();
    for (const half of ['\ud83d', '\udc80']) {
      const { rows } = await adapter.queryRaw(query('SELECT $1::text, $2::text[]', `cut ${half}`, [half]));
      expect(rows).toEqual([['cut \ufffd', ['\ufffd']]]);
    }
  });

  test('scripts run as a whole, with semicolons wherever they may be', async () => {
    const adapter = await open();
    await adapter.executeScript(`
      -- a comment; with a semicolon
      CREATE TABLE scripted (v text DEFAULT 'a;b', "odd;name" int);
      /* and /* nested; */ another; */
      CREATE FUNCTION scripted_f() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN 'x;y'; END; $f$;
      CREATE FUNCTION scripted_g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;
      INSERT INTO scripted (v) VALUES (scripted_f()), (E'it\\'s; fine');;
    `);
    expect(await rowsOf(adapter, 'SELECT v, scripted_g() FROM scripted')).toEqual([
      ['x;y', 2],
      ["it's; fine", 2],
    ]);
    await adapter.executeScript('DROP FUNCTION scripted_f, scripted_g; DROP TABLE scripted');
    await adapter.executeScript('-- line ends of old\rCREATE TABLE old (n int); -- two;\rINSERT INTO old VALUES (1)');
    expect(await rowsOf(adapter, 'SELECT n FROM old')).toEqual([[1]]);
    await adapter.executeScript('DROP TABLE old');
    await adapter.executeScript(' ; -- nothing');
    await expect(adapter.executeScript('CREATE TABLE half (n int); SELECT 1/0; SELECT 2')).rejects.toMatchObject({
      cause: { kind: 'postgres', code: '22012' },
    });
    expect(await tables('half')).toBe(0);
  });

  test('what cannot run in a transaction runs as a script of its own', async () => {
    const adapter = await open();
    await expect(adapter.executeScript('VACUUM t;')).resolves.toBeUndefined();
  });

  test('several statements within a transaction', async () => {
    const adapter = await open();
    const tx = await adapter.startTransaction();
    await tx.executeRaw(query('CREATE TABLE several (n int); INSERT INTO several VALUES (1), (2)'));
    expect(await rowsOf(tx, 'SELECT sum(n)::int FROM several')).toEqual([[3]]);
    await tx.executeRaw(query('ROLLBACK'));
    await tx.rollback();
    expect(await tables('several')).toBe(0);
  });

  test('a syntax error in the first statement leaves no statement outside of the transaction', async () => {
    const adapter = await open();
    const tx = await adapter.startTransaction();
    await expect(tx.executeRaw(query('SELEC 1'))).rejects.toMatchObject({ cause: { originalCode: '42601' } });
    await expect(tx.executeRaw(query('CREATE TABLE escaped (n int)'))).rejects.toMatchObject({
      cause: { originalCode: '25P02' },
    });
    await tx.executeRaw(query('COMMIT'));
    await tx.commit();
    expect(await tables('escaped')).toBe(0);
  });

  test('a first statement that cannot be sent is refused, and the transaction can be ended', async () => {
    const adapter = await open();
    const tx = await adapter.startTransaction();
    await expect(tx.queryRaw(query('SELECT \0'))).rejects.toThrow();
    await tx.rollback();
    expect(await rowsOf(adapter, 'SELECT 1')).toEqual([[1]]);
  });

  test('a first statement that waits for data is refused, and the transaction can be ended', async () => {
    const adapter = await open();
    await adapter.executeScript('CREATE TABLE IF NOT EXISTS copied (n int)');
    const tx = await adapter.startTransaction();
    await expect(tx.executeRaw(query('COPY copied FROM STDIN'))).rejects.toThrow();
    await tx.rollback();
    expect(await rowsOf(adapter, 'SELECT 1')).toEqual([[1]]);
  });

  test('as many parameters as Postgres takes, alone and first in a transaction', async () => {
    const adapter = await open();
    const numbers = Array.from({ length: 65_535 }, (_, index) => index);
    const many = query(`SELECT 7 WHERE 7 IN (${numbers.map((n) => `$${n + 1}`).join()})`, ...numbers);
    expect((await adapter.queryRaw(many)).rows).toEqual([[7]]);
    const tx = await adapter.startTransaction();
    expect((await tx.queryRaw(many)).rows).toEqual([[7]]);
    await tx.commit();
  });

  test('concurrent calls on a new transaction queue behind its BEGIN', async () => {
    const adapter = await open();
    const tx = await adapter.startTransaction('SERIALIZABLE');
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => rowsOf(tx, `SELECT ${n}, txid_current()::text`)),
    );
    expect(results.map(([row]) => row?.[0])).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(new Set(results.map(([row]) => row?.[1])).size).toBe(1);
    expect(await rowsOf(tx, 'SHOW transaction_isolation')).toEqual([['serializable']]);
    await tx.executeRaw(query('COMMIT'));
    await tx.commit();
  });

  test.each(['COMMIT', 'ROLLBACK'])('%s waits for the statements that wait for the first one', async (end) => {
    const adapter = await open();
    for (const first of ['SELECT pg_sleep(0.1)', 'SELECT 1; SELECT pg_sleep(0.1)']) {
      const tx = await adapter.startTransaction();
      const statements = [
        tx.executeRaw(query(first)),
        tx.executeRaw(query('SAVEPOINT inside')), // an error outside of a transaction
        tx.executeRaw(query('INSERT INTO t VALUES (3)')),
      ];
      await Promise.all([...statements, tx.executeRaw(query(end))]);
      const found = await database.query('WITH gone AS (DELETE FROM t RETURNING n) SELECT n FROM gone');
      expect(found).toEqual(end === 'COMMIT' ? [{ n: 3 }] : []);
    }
  });

  test('savepoints', async () => {
    const adapter = await open();
    const tx = await adapter.startTransaction();
    await tx.executeRaw(query('INSERT INTO t VALUES (1)'));
    await tx.createSavepoint('prisma_sp_0');
    await expect(tx.executeRaw(query('INSERT INTO t VALUES (1)'))).rejects.toMatchObject({
      cause: { kind: 'UniqueConstraintViolation', constraint: { index: 't_pkey' }, table: 't' },
    });
    await tx.rollbackToSavepoint('prisma_sp_0');
    await tx.createSavepoint('prisma_sp_1');
    await tx.executeRaw(query('INSERT INTO t VALUES (2)'));
    await tx.releaseSavepoint('prisma_sp_1');
    await tx.executeRaw(query('COMMIT'));
    await tx.commit();
    expect(await rowsOf(adapter, 'WITH gone AS (DELETE FROM t RETURNING n) SELECT n FROM gone ORDER BY n')).toEqual([
      [1],
      [2],
    ]);
  });

  test('a transaction nobody used sends nothing, one that is over says so', async () => {
    const adapter = await open();
    const tx = await adapter.startTransaction();
    await tx.executeRaw(query('COMMIT'));
    await tx.commit();
    await expect(tx.queryRaw(query('SELECT 1'))).rejects.toMatchObject({
      name: 'DriverAdapterError',
      cause: { kind: 'TransactionAlreadyClosed' },
    });
    await expect(adapter.startTransaction('SNAPSHOT')).rejects.toMatchObject({
      cause: { kind: 'InvalidIsolationLevel', level: 'SNAPSHOT' },
    });
  });

  test('a COMMIT that fails is told, and its connection is free again', async () => {
    await database.query('CREATE TABLE IF NOT EXISTS deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
    const adapter = await open({ max: 1 });
    for (let round = 0; round < 4; round++) {
      const tx = await adapter.startTransaction();
      await tx.executeRaw(query('INSERT INTO deferred VALUES (1), (1)'));
      await expect(tx.executeRaw(query('COMMIT'))).rejects.toMatchObject({
        cause: { kind: 'UniqueConstraintViolation' },
      });
      await tx.rollback();
    }
    expect(await rowsOf(adapter, 'SELECT * FROM deferred')).toEqual([]);
  });

  test('a shadow database for the schema engine, and the types it reads', async () => {
    const factory = new PrismaPostern({ connectionString: gateway.url(), transport });
    const shadow = await factory.connectToShadowDb();
    const [[name] = []] = await rowsOf(shadow, 'SELECT current_database()');
    expect(name).toMatch(/^prisma_migrate_shadow_db_/);
    await shadow.executeScript('CREATE TABLE a (n int); CREATE INDEX ON a (n)');
    const { columnTypes } = await shadow.queryRaw(
      query(
        `SELECT relkind, relname, ARRAY[relkind], indkey FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid LIMIT 1`,
      ),
    );
    expect(columnTypes).toEqual([6, 7, 70, 7]);
    await shadow.dispose();
    await shadow.dispose();
    expect(await database.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).toEqual([]);
  });
});
