/** NoticeResponse: what Postgres tells besides the answer, in its place and to its session only (§2.15). */
import { extended, query } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const noticeScripts: readonly Script[] = [
  {
    name: 'notices',
    section: '2.15',
    setup: `CREATE FUNCTION tell(what text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        RAISE NOTICE 'told: %', what USING HINT = 'a hint', DETAIL = 'a detail';
        RAISE WARNING USING MESSAGE = what, ERRCODE = '01P42';
        RAISE INFO 'info'; RAISE LOG 'log'; RAISE DEBUG 'debug'; RETURN what; END $$`,
    async run({ open }) {
      const a = await open('A');
      await a.query(`SELECT tell('one')`);
      await a.segment(extended(`SELECT tell('two')`), extended(`SELECT tell('three')`));
      await a.query('SET client_min_messages = debug');
      await a.query(`DO $$ BEGIN RAISE DEBUG 'heard'; END $$`);
      await a.query('SET client_min_messages = error');
      await a.query(`SELECT tell('quietly')`);
      await a.query('RESET client_min_messages');
      await a.query('DROP TABLE IF EXISTS missing');
      await a.query('CREATE TABLE IF NOT EXISTS pg_temp.x (n int); DROP TABLE x');
    },
  },
  {
    name: 'notices-of-two-sessions',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      const tell = (who: string) => query(`DO $$ BEGIN RAISE NOTICE '${who}'; END $$`);
      await a.send(tell('a1'), tell('a2'));
      await b.send(tell('b1'), tell('b2'));
      await a.ready(2);
      await b.ready(2);
    },
  },
  {
    name: 'notices-cascade-and-truncation',
    section: '2.15',
    setup: 'CREATE TABLE base (n int); CREATE VIEW above AS SELECT * FROM base',
    async run({ open }) {
      const a = await open('A');
      await a.query('DROP TABLE base');
      await a.query('DROP TABLE base CASCADE');
      await a.query(`SELECT 1 AS ${'n'.repeat(70)}`);
      await a.query(`SELECT 'a\\b'::text, E'\\'' AS quote`);
      await a.query(`SET escape_string_warning = on; SET standard_conforming_strings = off; SELECT 'a\\\\b'`);
    },
  },
];
