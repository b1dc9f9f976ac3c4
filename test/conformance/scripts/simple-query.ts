/** Query messages: one ReadyForQuery each, whatever is inside (§2.5). */
import { query } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const simpleQueryScripts: readonly Script[] = [
  {
    name: 'query-multi-statement',
    section: '2.5',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.query('INSERT INTO t VALUES (1); SELECT n FROM t; ; UPDATE t SET n = 2; SELECT n, n FROM t;');
    },
  },
  {
    name: 'query-multi-statement-error-in-the-middle',
    section: '2.5',
    setup: 'CREATE TABLE t (n int PRIMARY KEY)',
    async run({ open }) {
      const a = await open('A');
      await a.query('INSERT INTO t VALUES (1); SELECT 1/0; INSERT INTO t VALUES (2)');
      await a.query('SELECT count(*) FROM t');
      await a.query('BEGIN; INSERT INTO t VALUES (3); COMMIT; INSERT INTO t VALUES (4); INSERT INTO t VALUES (3)');
      await a.query('SELECT n FROM t ORDER BY n');
      await a.query('SELECT 1; SELEC 2');
    },
  },
  {
    name: 'query-empty',
    section: '2.5',
    async run({ open }) {
      const a = await open('A');
      await a.query('');
      await a.query(' ;; ');
      await a.query('-- only a comment');
      await a.query('/* nested /* comment */ */');
    },
  },
  {
    name: 'query-transaction-mix',
    section: '2.5',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN; INSERT INTO t VALUES (1)');
      await a.query('SELECT n FROM t; COMMIT; BEGIN');
      await a.query('INSERT INTO t VALUES (2); ROLLBACK; SELECT count(*) FROM t');
      await a.query('START TRANSACTION READ ONLY; INSERT INTO t VALUES (3)');
      await a.query('END');
    },
  },
  {
    name: 'query-warnings-outside-transactions',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      await a.query('COMMIT');
      await a.query('ROLLBACK');
      await a.query('BEGIN; BEGIN');
      await a.query('ABORT');
      await a.query('SET LOCAL work_mem = 100');
      await a.query('SAVEPOINT x');
    },
  },
  {
    name: 'query-pipelined-queries',
    section: '2.4',
    async run({ open }) {
      const a = await open('A');
      await a.send(...Array.from({ length: 12 }, (_, index) => query(`SELECT ${index}; SELECT '${index}'::text`)));
      await a.ready(12);
    },
  },
  {
    name: 'query-large-results-and-texts',
    section: '2.2',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SELECT repeat('x', 3000000)`);
      await a.query(`SELECT i, repeat(md5(i::text), 40) FROM generate_series(1, 2000) i`);
      await a.query(`SELECT length('${'y'.repeat(2_000_000)}')`);
    },
  },
  {
    name: 'query-errors-keep-every-field',
    section: '2.15',
    setup: `CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (id int CONSTRAINT child_positive CHECK (id > 0), parent int NOT NULL REFERENCES parent);
      CREATE DOMAIN tiny AS int CONSTRAINT tiny_small CHECK (VALUE < 10);`,
    async run({ open }) {
      const a = await open('A');
      await a.query('INSERT INTO child VALUES (1, 99)');
      await a.query('INSERT INTO child VALUES (-1, 1)');
      await a.query('INSERT INTO child VALUES (1, NULL)');
      await a.query('INSERT INTO parent VALUES (1), (1)');
      await a.query('SELECT 11::tiny');
      await a.query('SELECT  no_such_column FROM parent');
      await a.query(`DO $$ BEGIN EXECUTE 'SELEC 1'; END $$`);
      await a.query(`DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'P9999', DETAIL = 'd', HINT = 'h'; END $$`);
    },
  },
];
