/** PREPARE, EXECUTE and DEALLOCATE in SQL share the name space of the protocol (§2.12 "SQL level"). */
import {
  bind,
  closeStatement,
  describeStatement,
  execute,
  extended,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const sqlStatementScripts: readonly Script[] = [
  {
    name: 'sql-prepare-execute-deallocate',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.query(`PREPARE s1 AS SELECT 'mine'`);
      await a.query('EXECUTE s1');
      await a.query(`PREPARE s1 AS SELECT 'again'`);
      await a.query('PREPARE s2 (int, text) AS SELECT $2, $1 + 1');
      await a.query(`EXECUTE s2 (41, 'a;b''c')`);
      await a.query('EXECUTE s2 (1)');
      await a.query('DEALLOCATE s1');
      await a.query('EXECUTE s1');
      await a.query('DEALLOCATE PREPARE s2');
      await a.query('DEALLOCATE s2');
    },
  },
  {
    name: 'sql-and-protocol-share-names',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.query('PREPARE s1 (int) AS SELECT $1 * 2 AS twice');
      await a.segment(describeStatement('s1'), bind({ statement: 's1', values: ['21'] }), execute());
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(parse('s2', 'SELECT $1::text AS t'));
      await a.query(`EXECUTE s2 ('from sql')`);
      await a.query('PREPARE s2 AS SELECT 1');
      await a.query('DEALLOCATE s2');
      await a.segment(bind({ statement: 's2', values: ['x'] }), execute());
    },
  },
  {
    name: 'sql-prepare-over-the-extended-protocol',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended(`PREPARE s1 AS SELECT 'mine'`));
      await a.segment(extended('EXECUTE s1'));
      await a.segment(parse('run', 'EXECUTE s1'), describeStatement('run'), bind({ statement: 'run' }), execute());
      await a.segment(extended('DEALLOCATE s1'));
      await a.segment(bind({ statement: 'run' }), execute());
    },
  },
  {
    name: 'sql-explain-and-create-table-as-execute',
    section: '2.12',
    setup: 'CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)',
    async run({ open }) {
      const a = await open('A');
      await a.query('PREPARE s1 (int) AS SELECT n FROM t WHERE n > $1 ORDER BY n');
      await a.query('EXPLAIN (COSTS OFF) EXECUTE s1 (1)');
      await a.query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) EXECUTE s1 (1)');
      await a.query('CREATE TABLE copy1 AS EXECUTE s1 (0)');
      await a.query('CREATE TABLE IF NOT EXISTS copy2 (n) AS EXECUTE s1 (1) WITH NO DATA');
      await a.query('SELECT * FROM copy1');
      await a.query('SELECT count(*) FROM copy2');
      await a.query('EXPLAIN (COSTS OFF) EXECUTE missing (1)');
      await a.query('CREATE TABLE copy3 AS EXECUTE missing');
    },
  },
  {
    name: 'sql-deallocate-all',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'), parse('s2', 'SELECT 2'));
      await a.query('PREPARE s3 AS SELECT 3');
      await a.query('DEALLOCATE ALL');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('EXECUTE s3');
      await a.segment(parse('s1', `SELECT 'new'`), bind({ statement: 's1' }), execute());
      await a.query('BEGIN');
      await a.query('DEALLOCATE PREPARE ALL');
      await a.query('ROLLBACK');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(extended('DEALLOCATE ALL'));
    },
  },
  {
    name: 'sql-discard-all',
    section: '2.12',
    async run({ open }) {
      const a = await open('A', { parameters: { application_name: 'mine' } });
      const b = await open('B');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.query(`SET work_mem = '777kB'; SET application_name = 'changed'`);
      await a.query('CREATE TEMP TABLE scratch (n int)');
      await a.query('SELECT pg_advisory_lock(11)');
      await a.query('LISTEN news');
      await a.query('DECLARE c1 CURSOR WITH HOLD FOR SELECT 1');
      await a.query('DISCARD ALL');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('SHOW work_mem');
      await a.query('SHOW application_name');
      await a.query('SELECT * FROM scratch');
      await a.query('FETCH c1');
      await a.query('SELECT pg_advisory_unlock(11)');
      await a.query('SELECT count(*) FROM pg_listening_channels()');
      await a.query('BEGIN');
      await a.query('DISCARD ALL');
      await a.query('ROLLBACK');
      await a.segment(extended('SELECT 1'), extended('DISCARD ALL'));
      await a.segment(parse('s1', 'SELECT 1'));
      await b.segment(parse('s1', 'SELECT 1'));
      await a.segment(extended('DISCARD ALL'));
      await b.segment(bind({ statement: 's1' }), execute());
      await a.segment(parse('s1', 'SELECT 2'), bind({ statement: 's1' }), execute());
      await a.send(parse('s2', 'SELECT 3'), query('DISCARD ALL'));
      await a.ready();
      await a.segment(parse('s2', 'SELECT 4'), bind({ statement: 's2' }), execute());
      await a.query('DISCARD ALL; SELECT 1');
      await a.query('SELECT 1; DISCARD ALL');
      await a.query(`PREPARE s3 AS SELECT 5; RESET ALL`);
      await a.query('EXECUTE s3');
    },
  },
  {
    name: 'sql-discard-parts',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.query('CREATE TEMP TABLE scratch (n int)');
      await a.query('DISCARD PLANS');
      await a.query('DISCARD SEQUENCES');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('SELECT count(*) FROM scratch');
      await a.query('DISCARD TEMP');
      await a.query('SELECT count(*) FROM scratch');
    },
  },
  {
    name: 'sql-prepare-inside-multi-statement',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SELECT 1; PREPARE s1 AS SELECT 'in $$ quotes; $$'; EXECUTE s1; DEALLOCATE s1; SELECT 2`);
      await a.query(`PREPARE s2 AS SELECT $q$;DEALLOCATE ALL;$q$; EXECUTE s2`);
      await a.query('EXECUTE s2');
      await a.query('/* a comment; */ EXECUTE s2 -- and another');
      await a.query('BEGIN; PREPARE s3 AS SELECT 3; SELECT 1/0; DEALLOCATE s3');
      await a.query('ROLLBACK; EXECUTE s3');
      await a.query('execute "s3" ; deallocate all; execute s3');
    },
  },
  {
    name: 'sql-prepare-quoted-names-and-case',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.query(`PREPARE "Mixed Case" AS SELECT 'mixed'`);
      await a.query(`PREPARE MiXeD AS SELECT 'folded'`);
      await a.query('EXECUTE "Mixed Case"');
      await a.query('EXECUTE mixed');
      await a.segment(bind({ statement: 'Mixed Case' }), execute());
      await a.segment(bind({ statement: 'MiXeD' }), execute());
      await a.query('DEALLOCATE "Mixed Case"');
      await a.query('EXECUTE "Mixed Case"');
    },
  },
  {
    name: 'sql-statements-are-listed',
    section: '2.12',
    isAboutOneConnection: true,
    async run({ open }) {
      const a = await open('A');
      await a.query('PREPARE s1 AS SELECT 1');
      await a.segment(parse('s2', 'SELECT 2'));
      await a.query('SELECT name, statement, from_sql FROM pg_prepared_statements ORDER BY name');
    },
  },
  {
    name: 'sql-execute-in-a-transaction-of-segments',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.send(
        extended('BEGIN'),
        sync(),
        extended('PREPARE s1 AS SELECT 1'),
        sync(),
        extended('EXECUTE s1'),
        sync(),
      );
      await a.ready(3);
      await a.query('ROLLBACK');
      await a.query('EXECUTE s1');
    },
  },
  {
    name: 'sql-error-positions-are-those-of-the-text-sent',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.query('PREPARE s AS SELECT nowhere');
      await a.query(`SELECT 'ä€😀'; PREPARE s AS SELECT 'ä€😀', nowhere`);
      await a.query('PREPARE s (int) AS SELECT $1');
      await a.query('EXECUTE s (nowhere)');
      await a.query(`EXECUTE s (1); EXECUTE s ('x'::nothing)`);
      await a.query('EXECUTE s (1); SELEC');
      await a.query('PREPARE s AS');
      await a.segment(parse('', 'PREPARE other AS SELECT nowhere'), bind(), execute());
      await a.segment(extended('EXECUTE s (nowhere)'));
      await a.segment(parse('run', 'EXECUTE s (1, nowhere'));
      await a.segment(parse('run', 'EXECUTE s (nowhere)'));
      await a.segment(bind({ statement: 'run' }), execute());
    },
  },
  {
    name: 'sql-prepared-execute-means-the-name-when-it-runs',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('run', 'EXECUTE s1'), parse('end', 'DEALLOCATE s1'), parse('', 'EXECUTE s1'));
      await a.segment(bind({ statement: 'run' }), execute());
      await a.query(`PREPARE s1 AS SELECT 'one'`);
      await a.segment(bind({ statement: 'run' }), execute());
      await a.segment(bind({ statement: 'end' }), execute());
      await a.segment(bind({ statement: 'run' }), execute());
      await a.segment(parse('s1', `SELECT 'two'`), parse('', 'EXECUTE s1'));
      await a.segment(bind({ statement: 'run' }), execute(), bind(), execute());
      await a.segment(closeStatement('s1'), parse('s1', `SELECT 'three', $1::int`));
      await a.segment(bind({ statement: 'run' }), execute());
      await a.segment(bind(), execute());
      await a.segment(bind({ statement: 'end' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 'end' }), execute());
    },
  },
  {
    name: 'sql-prepared-prepare-runs-again',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('make', `PREPARE s1 AS SELECT 'made'`), parse('end', 'DEALLOCATE s1'));
      for (let turn = 0; turn < 2; turn++) {
        await a.segment(bind({ statement: 'make' }), execute());
        await a.query('EXECUTE s1');
        await a.segment(bind({ statement: 'make' }), execute());
        await a.segment(bind({ statement: 'end' }), execute());
      }
      await a.query('EXECUTE s1');
    },
  },
];
