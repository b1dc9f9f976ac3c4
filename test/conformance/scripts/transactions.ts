/** Explicit and implicit transactions, savepoints, failed transactions (§2.2, §2.5, §2.6). */
import { bind, execute, extended, flush, parse, query, sync } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const transactionScripts: readonly Script[] = [
  {
    name: 'implicit-transaction-second-failure-rolls-back-first',
    section: '2.6',
    setup: 'CREATE TABLE t (n int PRIMARY KEY)',
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended('INSERT INTO t VALUES (1)'), extended('INSERT INTO t VALUES (1)'));
      await a.query('SELECT count(*) FROM t');
      await a.segment(extended('INSERT INTO t VALUES (1)'), extended('INSERT INTO t VALUES (2)'));
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'implicit-transaction-is-one-transaction',
    section: '2.6',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        extended(`SELECT set_config('own.xid', pg_current_xact_id()::text, true) <> ''`),
        extended(`SELECT current_setting('own.xid') = pg_current_xact_id()::text`),
      );
      // '' on a backend that has ever had the setting, NULL on one that has not.
      await a.segment(extended(`SELECT coalesce(current_setting('own.xid', true), '')`));
    },
  },
  {
    name: 'implicit-transaction-flush-does-not-commit',
    section: '2.6',
    setup: 'CREATE TABLE t (n int)',
    async run({ open, observe }) {
      const a = await open('A');
      await a.send(extended('INSERT INTO t VALUES (1)'), flush());
      await a.until('CommandComplete');
      await observe('SELECT count(*) FROM t');
      await a.segment(extended('SELECT 1/0'));
      await observe('SELECT count(*) FROM t');
    },
  },
  {
    name: 'begin-inside-a-segment-adopts-earlier-work',
    section: '2.6',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended('INSERT INTO t VALUES (1)'), extended('BEGIN'), extended('INSERT INTO t VALUES (2)'));
      await a.query('ROLLBACK');
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'commit-inside-a-segment',
    section: '2.6',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        extended('BEGIN'),
        extended('INSERT INTO t VALUES (1)'),
        extended('COMMIT'),
        extended('INSERT INTO t VALUES (2)'),
        extended('SELECT 1/0'),
      );
      await a.query('SELECT n FROM t');
    },
  },
  {
    name: 'transaction-over-many-segments',
    section: '2.2',
    setup: 'CREATE TABLE t (n int)',
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(extended('BEGIN'));
      await a.segment(extended('INSERT INTO t VALUES (1)'));
      await observe('SELECT count(*) FROM t');
      await a.segment(extended('SELECT count(*) FROM t'));
      await a.segment(extended('COMMIT'));
      await observe('SELECT count(*) FROM t');
    },
  },
  {
    name: 'failed-transaction',
    section: '2.5',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query('SELECT 1/0');
      await a.query('SELECT 1');
      await a.segment(extended('SELECT 2'));
      await a.segment(parse('', 'SELECT 3'));
      await a.segment();
      await a.query('');
      await a.query('BEGIN');
      await a.query('COMMIT');
      await a.query('SELECT 4');
    },
  },
  {
    name: 'failed-transaction-extended-commit',
    section: '2.5',
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended('BEGIN'), extended('SELECT 1/0'));
      await a.segment(extended('COMMIT'));
      await a.send(extended('BEGIN'), sync(), extended('SELEC'), sync(), extended('SELECT 1'), sync());
      await a.send(extended('ROLLBACK'), sync());
      await a.ready(4);
    },
  },
  {
    name: 'savepoints',
    section: '2.5',
    setup: 'CREATE TABLE t (n int PRIMARY KEY)',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query('INSERT INTO t VALUES (1)');
      await a.query('SAVEPOINT one');
      await a.query('INSERT INTO t VALUES (1)');
      await a.query('SAVEPOINT two');
      await a.query('ROLLBACK TO SAVEPOINT one');
      await a.query('INSERT INTO t VALUES (2)');
      await a.query('SAVEPOINT one; INSERT INTO t VALUES (3)');
      await a.query('RELEASE one');
      await a.query('ROLLBACK TO nothing');
      await a.query('ROLLBACK TO one');
      await a.query('COMMIT');
      await a.query('SELECT n FROM t ORDER BY n');
    },
  },
  {
    name: 'commit-and-chain',
    section: '2.5',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await a.query('COMMIT AND CHAIN');
      await a.query('SHOW transaction_isolation');
      await a.query('INSERT INTO t VALUES (1)');
      await a.query('ROLLBACK AND CHAIN');
      await a.query('SHOW transaction_read_only');
      await a.query('COMMIT');
      await a.query('SHOW transaction_isolation');
      await a.query('COMMIT AND CHAIN');
    },
  },
  {
    name: 'deferred-constraint-fails-at-the-end',
    section: '2.1',
    setup: `CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`,
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended('INSERT INTO child VALUES (1)'));
      await a.query('INSERT INTO child VALUES (2)');
      await a.query('BEGIN; INSERT INTO child VALUES (3)');
      await a.query('COMMIT');
      await a.send(extended('INSERT INTO child VALUES (4)'), sync(), extended('SELECT count(*) FROM child'), sync());
      await a.ready(2);
      await a.segment(extended('BEGIN'), extended('INSERT INTO child VALUES (5)'), extended('COMMIT'));
    },
  },
  {
    name: 'prepared-transaction-commands-are-refused-alike',
    section: '2.6',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN; INSERT INTO t VALUES (1)');
      await a.query(`PREPARE TRANSACTION 'gid'`);
      await a.query(`COMMIT PREPARED 'gid'`);
    },
  },
  {
    name: 'commands-that-must-be-alone',
    section: '2.6',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.segment(extended('SELECT 1'), extended('VACUUM t'));
      await a.segment(extended('VACUUM t'));
      await a.send(extended('SELECT 1'), sync(), extended('VACUUM t'), sync());
      await a.ready(2);
      await a.query('SELECT 1; VACUUM t');
      await a.query('BEGIN');
      await a.query('VACUUM t');
      await a.query('ROLLBACK');
    },
  },
  {
    name: 'transaction-in-two-sessions-in-turn',
    section: '2.4',
    setup: 'CREATE TABLE t (who text)',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('BEGIN');
      await b.send(query('BEGIN'), query(`INSERT INTO t VALUES ('b')`), query('COMMIT'));
      await a.query(`INSERT INTO t VALUES ('a')`);
      await a.query('COMMIT');
      await b.ready(3);
      await a.query('SELECT who FROM t ORDER BY who');
      await b.segment(parse('', 'SELECT who FROM t ORDER BY who'), bind(), execute());
    },
  },
];
