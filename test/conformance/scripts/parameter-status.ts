/** Reported settings: when a change is told, and when its undoing is (§2.11). */
import { bind, execute, extended, flush, parse, query, sync } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const parameterStatusScripts: readonly Script[] = [
  {
    name: 'parameter-status-on-set-and-reset',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SET DateStyle = 'dmy'`);
      await a.query(`SET TimeZone = 'Europe/Berlin'; SET application_name = 'mine'`);
      await a.query(`SET TimeZone = 'Europe/Berlin'`);
      await a.query(`SELECT '01/02/2020'::date, '2020-06-01 12:00+00'::timestamptz`);
      await a.segment(extended(`SET IntervalStyle = 'iso_8601'`), extended(`SELECT '1 day'::interval`));
      await a.query('RESET DateStyle');
      await a.query('RESET ALL');
      await a.query('SHOW TimeZone');
      await a.query(`SET DateStyle = 'nonsense'`);
    },
  },
  {
    name: 'parameter-status-waits-for-ready',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.send(extended(`SET application_name = 'flushed'`), flush());
      await a.until('CommandComplete');
      await a.quiet();
      await a.send(parse('', 'SHOW application_name'), bind(), execute(), flush());
      await a.until('CommandComplete');
      await a.send(sync());
      await a.ready();
    },
  },
  {
    name: 'parameter-status-undone-by-rollback',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query(`SET application_name = 'in the transaction'`);
      await a.query(`SELECT '01/02/2020'::date`);
      await a.query('ROLLBACK');
      await a.query('SHOW application_name');
      await a.query(`BEGIN; SET DateStyle = 'German'`);
      await a.query('SELECT 1/0');
      await a.query('COMMIT');
      await a.query('SHOW DateStyle');
      await a.query(`SET DateStyle = 'German'; SELECT 1/0`);
      await a.query('SHOW DateStyle');
      await a.segment(extended(`SET DateStyle = 'German'`), extended('SELECT 1/0'));
      await a.query('SHOW DateStyle');
    },
  },
  {
    name: 'parameter-status-and-savepoints',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(`BEGIN; SET application_name = 'one'; SET work_mem = '101kB'`);
      await a.query('SAVEPOINT s');
      await a.query(`SET application_name = 'two'; SET work_mem = '102kB'`);
      await a.query('ROLLBACK TO s');
      await a.query('SHOW work_mem');
      await a.query(`SAVEPOINT t; SET application_name = 'three'; SET work_mem = '103kB'; RELEASE t`);
      await a.query('COMMIT');
      await a.query('SHOW application_name; SHOW work_mem');
    },
  },
  {
    name: 'parameter-status-from-a-function-body',
    section: '2.11',
    setup: `CREATE FUNCTION change(zone text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN PERFORM set_config('TimeZone', zone, false); PERFORM set_config('work_mem', '222kB', false); RETURN zone; END $$`,
    async run({ open }) {
      const a = await open('A');
      await a.query(`SELECT change('Asia/Tokyo')`);
      await a.query(`SELECT current_setting('TimeZone'), current_setting('work_mem')`);
      await a.segment(extended(`SELECT change('America/Lima')`));
      await a.query(`SELECT current_setting('TimeZone'), current_setting('work_mem')`);
    },
  },
  {
    name: 'parameter-status-set-local',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query(`SET LOCAL application_name = 'local'; SET LOCAL search_path = noisy`);
      await a.query('SHOW search_path');
      await a.query('COMMIT');
      await a.query('SHOW search_path; SHOW application_name');
      await a.query(`SET application_name = 'session'`);
      await a.query(`BEGIN; SET LOCAL application_name = 'local again'; SELECT set_config('DateStyle', 'SQL', true)`);
      await a.query('COMMIT');
      await a.query('SHOW application_name; SHOW DateStyle');
    },
  },
  {
    name: 'settings-stay-across-statements',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(
        `SET work_mem = '333kB'; SET search_path = "$user", noisy, 'odd, name'; SET statement_timeout = '1h'`,
      );
      await a.query(`SET own.setting = 'it''s \\ odd'; SET bytea_output = 'escape'; SET extra_float_digits = 0`);
      await a.query(`SELECT set_config('lock_timeout', '12345', false)`);
      await a.query('SHOW work_mem; SHOW search_path; SHOW statement_timeout; SHOW own.setting; SHOW lock_timeout');
      await a.query(`SELECT '\\x00ff'::bytea, 0.1::float8 + 0.2`);
      await a.query('RESET work_mem');
      await a.query('SHOW work_mem');
      await a.query('SET search_path TO DEFAULT; SHOW search_path');
      await a.query(`SET search_path TO ''; SHOW search_path`);
      await a.query('RESET ALL');
      // '' on a backend that has ever had the setting, NULL on one that has not.
      await a.query(`SHOW statement_timeout; SELECT coalesce(current_setting('own.setting', true), '')`);
    },
  },
  {
    name: 'settings-time-zone-interval-and-names-clause',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE`);
      await a.query('SHOW TimeZone');
      await a.query(`SET TIME ZONE -3.5`);
      await a.query('SHOW TimeZone');
      await a.query('SET TIME ZONE LOCAL');
      await a.query(`SET NAMES 'LATIN1'`);
      await a.query(`SELECT 'grün'`);
      await a.query(`SET client_encoding = 'UTF8'`);
      await a.query(`SET XML OPTION DOCUMENT`);
      await a.query('SHOW xmloption');
      await a.query(`SET SEED TO 0.3`);
      await a.query('SELECT random() = random()');
    },
  },
  {
    name: 'settings-session-characteristics',
    section: '2.11',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.query('SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY');
      await a.query('SHOW transaction_isolation');
      await a.query('INSERT INTO t VALUES (1)');
      await a.segment(extended('INSERT INTO t VALUES (1)'));
      await a.query('SET default_transaction_read_only = off');
      await a.query('INSERT INTO t VALUES (1)');
      await a.query('BEGIN; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SHOW transaction_isolation');
      await a.query('COMMIT; SHOW transaction_isolation');
    },
  },
  {
    name: 'settings-standard-conforming-strings',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      const text = `SELECT 'a\\nb' AS v, length('a\\nb')`;
      await a.query('SET standard_conforming_strings = off; SET escape_string_warning = off');
      await a.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await b.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await b.query(text);
      await a.query(text);
    },
  },
  {
    name: 'settings-date-style-in-shared-texts',
    section: '2.12',
    async run({ open }) {
      const a = await open('A', { parameters: { DateStyle: 'DMY' } });
      const b = await open('B');
      const text = `SELECT '01/02/2020'::date`;
      await b.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await a.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await b.segment(parse('s2', text), bind({ statement: 's2' }), execute());
      await a.query(`SET DateStyle = 'ISO, MDY'`);
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(parse('s2', text), bind({ statement: 's2' }), execute());
      await a.query(`PREPARE s3 AS ${text}`);
      await a.query('SET DateStyle = DMY; EXECUTE s3');
    },
  },
  {
    name: 'settings-under-which-a-statement-was-prepared',
    section: '2.12',
    // A new schema, as that of the first temporary table is, has Postgres read every statement anew, constants included.
    withoutActs: ['temporary table', 'temporary table back'],
    async run({ open }) {
      const a = await open('A');
      const b = await open('B', { parameters: { DateStyle: 'DMY' } });
      const text = `SELECT '01/02/2020'::date, $1::text`;
      const run = (statement: string): Promise<void> => a.segment(bind({ statement, values: ['x'] }), execute());
      await a.query(`SET DateStyle = 'DMY'; SET work_mem = '333kB'`);
      await a.segment(parse('s1', text));
      await a.query(`PREPARE s2 (text) AS SELECT '01/02/2020'::date, $1`);
      await a.query(`SET DateStyle = 'ISO, MDY'`);
      await run('s1');
      await run('s2');
      await a.query(`EXECUTE s2 ('y'); SHOW DateStyle; SHOW work_mem`);
      // Nobody else's statement has changed by it.
      await b.segment(parse('s1', text), bind({ statement: 's1', values: ['z'] }), execute());
      await a.query('BEGIN; SET LOCAL DateStyle = DMY');
      await run('s1');
      await a.segment(parse('s3', text), bind({ statement: 's3', values: ['x'] }), execute());
      await a.query('COMMIT');
      await a.segment(parse('s4', text), bind({ statement: 's4', values: ['x'] }), execute());
      await run('s1');
    },
  },
  {
    name: 'settings-search-path-and-statements',
    section: '2.12',
    setup: `CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t AS SELECT 'one' AS v; CREATE TABLE two.t AS SELECT 2 AS v`,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('SET search_path = one');
      await b.query('SET search_path = two');
      const text = 'SELECT v FROM t';
      await a.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await b.segment(parse('s1', text), bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('SET search_path = two');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.send(query('SELECT v FROM t'), query('RESET search_path'), query('SELECT v FROM t'));
      await a.ready(3);
    },
  },
];
