// psql and pg_dump on the pooled connection, where the machine has them: what they print has to be what they print when
// connected to Postgres itself. What pg_dump does is also done by hand, so that it is tested everywhere.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRaw, createTestDatabase, type RawClient, type RunningPostgres, startPostgres } from '@postern/testkit';
import { BackendCode, encodeQuery } from '@postern/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram, runProgram, serverBeside } from './installed-program.ts';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';

const psql = findProgram('psql');
const pgDump = findProgram('pg_dump');
const pgDumpServer = pgDump === undefined ? undefined : serverBeside(pgDump);

const schemaSql = `
  CREATE TYPE mood AS ENUM ('sad', 'happy');
  CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mood mood DEFAULT 'happy');
  CREATE TABLE books (id serial PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text, cover bytea, tags text[], added timestamptz, span interval, score float8);
  CREATE INDEX ON books (title);
  CREATE VIEW titles AS SELECT name, title FROM authors JOIN books ON author_id = authors.id;
  CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
  INSERT INTO authors (name) SELECT 'author ' || n FROM generate_series(1, 50) n;
  INSERT INTO books (author_id, title, cover, tags, added, span, score)
    SELECT n % 50 + 1, E'title\\t' || n, decode(md5(n::text), 'hex'), ARRAY['a,b', 'c"d'], timestamptz '2026-02-03 04:05:06.789+00' + n * interval '1 hour',
           n * interval '90 minutes', n / 3.0 FROM generate_series(1, 2000) n`;

let pooled: PooledGateway;
let noise: NoisyCaller;
let folder: string;

beforeAll(async () => {
  pooled = await openPooledGateway();
  await pooled.database.query(schemaSql);
  noise = await startNoisyCaller(pooled.tcpUrl);
  folder = mkdtempSync(join(tmpdir(), 'postern-programs-'));
});

afterAll(async () => {
  await noise.stop();
  rmSync(folder, { recursive: true });
  await pooled.close();
});

if (psql !== undefined) {
  describe('psql', () => {
    /** Runs a script on Postgres itself and through the gateway. */
    async function both(script: string): Promise<{ direct: string; pooled: string }> {
      const run = (url: string): Promise<string> => runProgram(psql!, ['-X', '-q', '-P', 'pager=off', url], script);
      return { direct: await run(pooled.database.url), pooled: await run(pooled.tcpUrl) };
    }

    test.each([
      [
        'describes',
        String.raw`\d
\d books
\d+ titles
\df twice
\dT+ mood
\di
\l template0
\dn`,
      ],
      [
        'reads',
        String.raw`SELECT id, cover, tags, added, span, score FROM books ORDER BY id LIMIT 20;
\gx
SELECT 1 AS a \; SELECT 2 AS b;
SELECT $1::int + 1 \bind 41 \g
\gdesc`,
      ],
      [
        'fetches with a cursor',
        String.raw`\set FETCH_COUNT 100
SELECT id, title FROM books ORDER BY id;
SELECT 1 / (id - 150) FROM books ORDER BY id;
SELECT 'after';`,
      ],
      [
        'reports errors',
        String.raw`SELECT nonsense;
\echo :LAST_ERROR_SQLSTATE
BEGIN;
INSERT INTO authors (name) VALUES ('author 1');
SELECT 1;
ROLLBACK;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT 1/0;
SELECT 'goes on';
COMMIT;`,
      ],
      [
        'sets and shows',
        `SET TimeZone = 'Asia/Kolkata';
SET search_path = pg_catalog, public;
SHOW TimeZone;
SELECT added FROM books ORDER BY id LIMIT 1;
CREATE TEMP TABLE mine AS SELECT 1 AS n;
SELECT * FROM mine;
DROP TABLE mine;
PREPARE s1 AS SELECT $1::int * 2;
EXECUTE s1(21);
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM books ORDER BY id;
FETCH 3 FROM c;
CLOSE c;
DO $$ BEGIN RAISE WARNING 'careful'; END $$;
SELECT current_database() = 'x', current_user;`,
      ],
    ])('%s', async (_, script) => {
      const answers = await both(script);
      expect(answers.direct.length).toBeGreaterThan(100);
      expect(answers.pooled).toBe(answers.direct);
    });

    test('\\copy out and in', async () => {
      const [direct, through] = [join(folder, 'direct'), join(folder, 'pooled')];
      await runProgram(psql!, ['-X', pooled.database.url], `\\copy books TO '${direct}' (FORMAT csv, HEADER)`);
      await runProgram(psql!, ['-X', pooled.tcpUrl], `\\copy books TO '${through}' (FORMAT csv, HEADER)`);
      expect(readFileSync(through, 'utf8')).toBe(readFileSync(direct, 'utf8'));
      const script = `CREATE TABLE copied (LIKE books);\n\\copy copied FROM '${through}' (FORMAT csv, HEADER)\nSELECT count(*) FROM (TABLE copied EXCEPT TABLE books) x;\n`;
      expect(await runProgram(psql!, ['-X', '-A', '-t', pooled.tcpUrl], script)).toBe('CREATE TABLE\nCOPY 2000\n0\n');
      writeFileSync(join(folder, 'bad'), '1,2\nnonsense\n');
      const failing = `\\copy copied FROM '${join(folder, 'bad')}' (FORMAT csv)\nSELECT 'after';\nDROP TABLE copied;\n`;
      const printed = await runProgram(psql!, ['-X', '-A', '-t', pooled.tcpUrl], failing);
      expect(printed).toContain('missing data for column "title"');
      expect(printed).toContain('after\nDROP TABLE');
    });

    test('notifications', async () => {
      const script = `LISTEN news;\nNOTIFY news, 'from here';\nSELECT 1;\n`;
      expect(await runProgram(psql!, ['-X', '-q', '-A', '-t', pooled.tcpUrl], script)).toMatch(
        /^Asynchronous notification "news" with payload "from here" received from server process with PID \d+\.\n1\n$/,
      );
    });
  });
}

if (pgDump !== undefined && pgDumpServer !== undefined) {
  describe('pg_dump', () => {
    let postgres: RunningPostgres;
    let own: PooledGateway;
    let ownNoise: NoisyCaller;

    beforeAll(async () => {
      // pg_dump refuses a server that is newer than itself.
      postgres = await startPostgres({ binDir: pgDumpServer });
      own = await openPooledGateway({ database: await createTestDatabase(postgres.url()) });
      await own.database.query(schemaSql);
      ownNoise = await startNoisyCaller(own.tcpUrl);
    });

    afterAll(async () => {
      await ownNoise?.stop();
      await own?.close();
      await postgres?.stop();
    });

    async function dump(url: string, ...args: string[]): Promise<string> {
      const output = await runProgram(pgDump!, [...args, `--dbname=${url}`]);
      // A random key, new each time.
      return output.replaceAll(/^\\(un)?restrict .*$/gm, '');
    }

    test.each([[[]], [['--inserts']], [['--schema-only']], [['--table=books', '--serializable-deferrable']]])(
      '%j',
      async (args) => {
        const direct = await dump(own.database.url, ...args);
        expect(direct).toContain('CREATE TABLE public.books');
        expect(await dump(own.tcpUrl, ...args)).toBe(direct);
      },
    );
  });
}

describe('what pg_dump does', () => {
  async function connect(): Promise<RawClient> {
    const { user, password, name } = pooled.database;
    return connectRaw({ port: pooled.tcpPort, user, password, database: name, params: { pooled: 'true' } });
  }

  /** The rows of COPY … TO STDOUT. */
  async function copyOut(client: RawClient, sql: string): Promise<string> {
    const messages = await client.exchange(encodeQuery(sql));
    expect(messages[0]?.code).toBe(BackendCode.CopyOutResponse);
    return Buffer.concat(
      messages.filter(({ code }) => code === BackendCode.CopyData).map(({ body }) => body),
    ).toString();
  }

  test('one snapshot for two connections and many tables, while others write', async () => {
    const [leader, worker] = [await connect(), await connect()];
    const begin = `BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`;
    const settings = `SET DateStyle = ISO; SET IntervalStyle = postgres; SET extra_float_digits = 3; SET synchronize_seqscans = off;
      SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET row_security = off`;
    for (const client of [leader, worker]) {
      await client.query(settings);
      await client.query(`SELECT pg_catalog.set_config('search_path', '', false)`);
    }
    await leader.query(begin);
    const [[snapshot] = []] = await leader.query('SELECT pg_export_snapshot()');
    await worker.query(begin);
    await worker.query(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
    await leader.query('LOCK TABLE public.authors, public.books IN ACCESS SHARE MODE');
    await pooled.database.query(`
      INSERT INTO authors (name) VALUES ('too late');
      UPDATE books SET title = 'too late' WHERE id = 1`);
    const books = await copyOut(leader, 'COPY public.books TO STDOUT');
    const authors = await copyOut(worker, 'COPY public.authors (id, name) TO STDOUT');
    expect(authors.split('\n')).toHaveLength(51);
    expect(books.split('\n')).toHaveLength(2001);
    expect(books).not.toContain('too late');
    expect(books.split('\n')[0]).toBe(
      String.raw`1	2	title\t1	\\xc4ca4238a0b923820dcc509a6f75849b	{"a,b","c\\"d"}	2026-02-03 05:05:06.789+00	01:30:00	0.3333333333333333`,
    );
    for (const client of [leader, worker]) {
      await client.query('COMMIT');
      expect(await client.query('SHOW search_path')).toEqual([['']]);
      await client.end();
    }
  });
});
