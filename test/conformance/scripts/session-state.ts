/** State that lives in a session beyond its transactions: roles, temporary objects, locks, sequences, seeds (§2.11). */
import {
  bind,
  closePortal,
  describeStatement,
  execute,
  extended,
  flush,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const sessionStateScripts: readonly Script[] = [
  {
    name: 'state-set-role',
    section: '2.11',
    setup: `CREATE TABLE secret (n int); GRANT USAGE ON SCHEMA public TO script_role;
      CREATE TABLE shared (owner text DEFAULT current_user); GRANT ALL ON shared TO script_role`,
    async run({ open }) {
      const a = await open('A');
      await a.query('SET ROLE script_role');
      await a.query('SELECT current_user, session_user = current_user');
      await a.query('SELECT * FROM secret');
      await a.segment(extended('INSERT INTO shared DEFAULT VALUES RETURNING owner'));
      await a.query('BEGIN');
      await a.query('SET LOCAL ROLE script_other');
      await a.query('SELECT current_user');
      await a.query('COMMIT');
      await a.query('SELECT current_user');
      await a.query('BEGIN; RESET ROLE');
      await a.query('ROLLBACK');
      await a.query('SELECT current_user');
      await a.query('RESET ROLE');
      await a.query('SELECT current_user = session_user, count(*) FROM secret');
      await a.query('SET ROLE no_such_role');
      await a.query('SET ROLE NONE');
    },
  },
  {
    name: 'state-start-up-values',
    section: '2.11',
    async run({ open }) {
      const a = await open('A', { parameters: { options: '-c work_mem=8MB -c own.tenant=a -c role=script_role' } });
      await a.segment(parse('', `SELECT set_config('own.tenant', $1, false)`), bind({ values: ['b'] }), execute());
      await a.query('SHOW own.tenant');
      await a.query('RESET enable_seqscan');
      await a.query('SHOW own.tenant');
      await a.query('RESET own.tenant');
      await a.query('SHOW own.tenant');
      // The server's default.
      await a.query(`SET work_mem = '4MB'`);
      await a.query('RESET enable_seqscan');
      await a.query('SHOW work_mem');
      await a.query('RESET work_mem');
      await a.query('SHOW work_mem');
      await a.query(`SET work_mem = '9MB'`);
      await a.query('DO $$ BEGIN RESET work_mem; END $$');
      await a.query('SHOW work_mem');
      await a.query('SET ROLE script_other');
      await a.query('RESET enable_seqscan');
      await a.query('SELECT current_user');
      await a.query('RESET ROLE');
      await a.query('SELECT current_user');
      await a.query('SET ROLE NONE');
      await a.query('SHOW role');
      await a.query('BEGIN');
      await a.query('RESET work_mem');
      await a.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await a.query('COMMIT');
      await a.query('SHOW work_mem');
    },
  },
  {
    name: 'state-custom-settings-by-any-name',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT set_config($1, $2, false)'), bind({ values: ['own.bound', 'one'] }), execute());
      await a.query('SHOW own.bound');
      await a.segment(parse('s', 'SELECT pg_catalog.set_config($2::text, $1, false)'));
      await a.segment(bind({ statement: 's', values: ['two', 'own.Other'] }), execute());
      await a.query('SHOW own.other');
      await a.query(`SET "own"."quoted" = 'three'`);
      await a.query('SHOW own.quoted');
      await a.query(`SET own.empty = ''`);
      await a.query(`SELECT current_setting('own.empty')`);
      const columns = Array.from({ length: 25 }, (_, i) => `t.c${i}`);
      await a.query(
        `SELECT ${columns}, set_config('own.behind', 'four', false) FROM (SELECT ${columns.map((c, i) => `${i} AS ${c.slice(2)}`)}) t`,
      );
      await a.query('SHOW own.behind');
      for (let i = 0; i < 70; i++) await a.query(`SET own.number${i} = '${i}'`);
      await a.query('SHOW own.number69');
      // From here on the names are not in the text.
      await a.query(`DO $$ BEGIN EXECUTE format('SET %s.%s = %L', 'own', 'formatted', 'five'); END $$`);
      await a.query('SHOW own.formatted');
      await a.query(`SELECT set_config('own.' || 'joined', 'six', false)`);
      await a.query('SHOW own.joined');
    },
  },
  {
    name: 'state-temporary-types',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(`CREATE DOMAIN pg_temp.positive AS int CHECK (VALUE > 0)`);
      await a.query('SELECT 1::pg_temp.positive');
      await a.query('DROP DOMAIN pg_temp.positive');
      await a.query(`CREATE TYPE pg_temp.mood AS ENUM ('fine')`);
      await a.query(`SELECT 'fine'::pg_temp.mood`);
    },
  },
  {
    name: 'state-of-transactions-that-wait-for-others',
    section: '2.11',
    serverConnections: 2,
    setup: 'CREATE TABLE written (n int)',
    async run({ open }) {
      const [a, b] = [await open('A'), await open('B')];
      await b.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      await b.query('INSERT INTO written VALUES (1)');
      await a.query('SET default_transaction_isolation = serializable');
      await a.query('SET default_transaction_read_only = on');
      // From here on a query of A waits for B, a SET does not.
      await a.query('SET default_transaction_deferrable = on');
      await a.query('SET default_transaction_deferrable = off');
      await a.query('SHOW default_transaction_isolation');
      await b.query('ROLLBACK');
    },
  },
  {
    name: 'state-set-session-authorization',
    section: '2.11',
    setup: 'CREATE TABLE secret (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.query('SET SESSION AUTHORIZATION script_role');
      await a.query('SELECT current_user, session_user');
      await a.query('SELECT * FROM secret');
      await a.query('SET ROLE script_other');
      await a.query('RESET SESSION AUTHORIZATION');
      await a.query('SELECT current_user = session_user, count(*) FROM secret');
      await a.query('BEGIN; SET LOCAL SESSION AUTHORIZATION script_other; SELECT session_user');
      await a.query('COMMIT; SELECT count(*) FROM secret');
    },
  },
  {
    name: 'state-role-and-row-security-in-prepared-statements',
    section: '2.12',
    setup: `CREATE TABLE doc (owner text); INSERT INTO doc VALUES ('script_role'), ('script_other');
      ALTER TABLE doc ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON doc USING (owner = current_user);
      GRANT SELECT ON doc TO script_role, script_other`,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      const text = 'SELECT owner FROM doc ORDER BY owner';
      await a.query('SET ROLE script_role');
      await b.query('SET ROLE script_other');
      await a.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await b.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('SET ROLE script_other');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('RESET ROLE');
      await a.segment(bind({ statement: 's1' }), execute());
    },
  },
  {
    name: 'state-temporary-tables',
    section: '2.11',
    setup: `CREATE TABLE items AS SELECT 'permanent' AS kind`,
    async run({ open }) {
      const a = await open('A');
      await a.query(`CREATE TEMP TABLE items AS SELECT 'temporary' AS kind`);
      await a.query('SELECT kind FROM items');
      await a.segment(extended(`INSERT INTO items VALUES ('more')`));
      await a.segment(extended('SELECT kind FROM items ORDER BY kind'));
      await a.query('CREATE TEMPORARY SEQUENCE ids; SELECT nextval($$ids$$)');
      await a.query(`SELECT nextval('ids')`);
      await a.query('DROP TABLE pg_temp.items');
      await a.query('SELECT kind FROM items');
      await a.query('SELECT 1 AS one INTO TEMP into_temp');
      await a.query('SELECT one FROM into_temp');
      await a.query('CREATE TEMP VIEW v AS SELECT 7 AS seven; ');
      await a.query('SELECT seven FROM v');
      await a.query('CREATE TABLE pg_temp.explicit (n int)');
      await a.query('SELECT count(*) FROM explicit');
    },
  },
  {
    name: 'state-temporary-table-on-commit',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query('CREATE TEMP TABLE scratch (n int) ON COMMIT DROP');
      await a.query('INSERT INTO scratch VALUES (1)');
      await a.query('COMMIT');
      await a.query('SELECT * FROM scratch');
      await a.query('CREATE TEMP TABLE kept (n int) ON COMMIT DELETE ROWS');
      await a.query('INSERT INTO kept VALUES (1)');
      await a.query('SELECT count(*) FROM kept');
      await a.query('BEGIN; CREATE TEMP TABLE undone (n int)');
      await a.query('ROLLBACK');
      await a.query('SELECT * FROM undone');
    },
  },
  {
    name: 'state-temporary-tables-of-two-sessions',
    section: '2.11',
    serverConnections: 2,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query(`CREATE TEMP TABLE scratch AS SELECT 'of a' AS v`);
      await b.query('SELECT v FROM scratch');
      await b.query(`CREATE TEMP TABLE scratch AS SELECT 'of b' AS v`);
      await a.query('SELECT v FROM scratch');
      await b.query('SELECT v FROM scratch');
      await a.query('DROP TABLE scratch');
      await a.query('SELECT v FROM scratch');
      await b.query('SELECT v FROM scratch');
    },
  },
  {
    name: 'state-advisory-locks',
    section: '2.11',
    serverConnections: 2,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('SELECT pg_advisory_lock(42)');
      await observe(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42`);
      await b.query('SELECT pg_try_advisory_lock(42)');
      await a.query('SELECT pg_advisory_unlock(42)');
      await a.query('SELECT pg_advisory_unlock(42)');
      await b.query('SELECT pg_try_advisory_lock(42)');
      await a.query('SELECT pg_try_advisory_lock(42)');
      await b.query('SELECT pg_advisory_unlock_all()');
      await a.query('SELECT pg_try_advisory_lock_shared(42)');
      await a.query('BEGIN; SELECT pg_advisory_xact_lock(43)');
      await a.query('COMMIT');
      await b.query('SELECT pg_try_advisory_lock(43), pg_try_advisory_lock(42), pg_try_advisory_lock_shared(42)');
    },
  },
  {
    name: 'state-sequences',
    section: '2.11',
    isAboutOneConnection: true,
    setup: 'CREATE SEQUENCE s; CREATE TABLE t (id serial, v text)',
    async run({ open }) {
      const a = await open('A');
      await a.query('SELECT lastval()');
      await a.query(`SELECT currval('s')`);
      await a.query(`SELECT nextval('s')`);
      await a.query(`SELECT currval('s'), lastval()`);
      await a.segment(extended(`INSERT INTO t (v) VALUES ('x')`));
      await a.segment(extended(`SELECT currval(pg_get_serial_sequence('t', 'id')), lastval(), currval('s')`));
      await a.query('DISCARD SEQUENCES');
      await a.query('SELECT lastval()');
    },
  },
  {
    name: 'state-sequences-of-a-pinned-session',
    section: '2.11',
    setup: 'CREATE SEQUENCE s',
    serverConnections: 2,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.segment(extended('DECLARE c1 CURSOR WITH HOLD FOR SELECT 1'));
      await a.send(query(`SELECT nextval('s')`), extended('SELECT 1'), sync());
      await a.ready(2);
      await b.send(closePortal(''), flush());
      await b.until('CloseComplete');
      await a.segment(extended('SELECT lastval()'));
      await b.segment();
      await a.query('CLOSE c1');
    },
  },
  {
    name: 'state-sequences-when-another-had-the-connection',
    section: '2.11',
    setup: 'CREATE SEQUENCE s',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query(`SELECT nextval('s')`);
      await b.query('BEGIN');
      await b.query('COMMIT');
      await a.query('SELECT lastval()');
      await a.query(`SELECT nextval('s'), lastval()`);
    },
  },
  {
    name: 'state-random-seed',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query('SELECT setseed(0.25)');
      await a.query('SELECT random()');
      await a.segment(extended('SELECT random(), random()'));
      await a.query('SELECT setseed(0.25), random()');
    },
  },
  {
    name: 'state-own-backend',
    section: '2.10',
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended('SELECT pg_backend_pid() = $1::int', [String(a.processId)]));
      await a.query(`SELECT count(*) FROM pg_stat_activity WHERE pid = ${a.processId} AND pid = pg_backend_pid()`);
    },
  },
  {
    name: 'state-application-name-is-seen-by-postgres',
    section: '2.11',
    async run({ open, observe }) {
      const a = await open('A', { parameters: { application_name: 'billing' } });
      await a.query(`SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()`);
      await a.query(`BEGIN; SET application_name = 'billing 2'`);
      await observe(`SELECT string_agg(application_name, ',') FROM pg_stat_activity
        WHERE state = 'idle in transaction' AND datname = current_database()`);
      await a.query('COMMIT');
    },
  },
  {
    name: 'state-load-and-custom-placeholders',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(`LOAD 'plpgsql'`);
      await a.query(`SET plpgsql.variable_conflict = 'use_column'`);
      await a.query('SHOW plpgsql.variable_conflict');
      await a.query(`SET "own.Mixed" = 'x'; SHOW "own.Mixed"`);
      await a.query(`SELECT current_setting('own.missing')`);
    },
  },
  {
    name: 'state-do-block-and-procedure-effects',
    section: '2.11',
    setup: `CREATE PROCEDURE configure() LANGUAGE plpgsql AS $$ BEGIN SET work_mem = '321kB'; COMMIT; SET work_mem = '322kB'; END $$`,
    async run({ open }) {
      const a = await open('A');
      await a.query(
        `DO $$ BEGIN SET search_path = noisy; CREATE TEMP TABLE made (n int); PERFORM pg_advisory_lock(77); END $$`,
      );
      await a.query('SHOW search_path');
      await a.query('SELECT count(*) FROM made');
      await a.query('SELECT pg_advisory_unlock(77)');
      await a.query('CALL public.configure()');
      await a.query('SHOW work_mem');
      await a.segment(describeStatement('none'));
    },
  },
];
