/** CancelRequest hits the running statement of the session that asked, and nothing else (§2.10). */
import { copyData, copyDone, extended, PROTOCOL_3_2, query, sync } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const cancelScripts: readonly Script[] = [
  {
    name: 'cancel-running-query',
    section: '2.10',
    async run({ open, untilRunning }) {
      const a = await open('A');
      await a.send(query('SELECT pg_sleep(30), 1 AS cancel_running'));
      await untilRunning('cancel_running', 'PgSleep');
      await a.cancel();
      await a.ready();
      await a.query('SELECT 1');
    },
  },
  {
    name: 'cancel-idle-session',
    section: '2.10',
    async run({ open }) {
      const a = await open('A');
      await a.query('SELECT 1');
      await a.cancel();
      await pause(50);
      await a.query('SELECT pg_sleep(0.05)');
      await a.query('BEGIN');
      await a.cancel();
      await pause(50);
      await a.query('SELECT pg_sleep(0.05)');
      await a.query('COMMIT');
    },
  },
  {
    name: 'cancel-in-transaction',
    section: '2.10',
    async run({ open, untilRunning }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.send(query('SELECT pg_sleep(30), 1 AS cancel_in_transaction'));
      await untilRunning('cancel_in_transaction', 'PgSleep');
      await a.cancel();
      await a.ready();
      await a.query('SELECT 1');
      await a.query('ROLLBACK');
    },
  },
  {
    name: 'cancel-in-a-pipeline',
    section: '2.10',
    async run({ open, untilRunning }) {
      const a = await open('A');
      await a.send(
        extended('SELECT pg_sleep(30), 1 AS cancel_in_pipeline'),
        extended('SELECT 2'),
        sync(),
        extended('SELECT 3'),
        sync(),
      );
      await untilRunning('cancel_in_pipeline', 'PgSleep');
      await a.cancel();
      await a.ready(2);
    },
  },
  {
    name: 'cancel-only-the-one-who-asked',
    section: '2.10',
    serverConnections: 2,
    async run({ open, untilRunning }) {
      const a = await open('A');
      const b = await open('B');
      await b.send(query('SELECT pg_sleep(1), 1 AS cancel_not_me'));
      await untilRunning('cancel_not_me', 'PgSleep');
      await a.send(query('SELECT pg_sleep(30), 1 AS cancel_me'));
      await untilRunning('cancel_me', 'PgSleep');
      await a.cancel();
      await a.ready();
      await b.ready();
    },
  },
  {
    name: 'cancel-by-long-key',
    section: '2.10',
    async run({ open, untilRunning }) {
      const a = await open('A', { version: PROTOCOL_3_2 });
      await a.send(query('SELECT pg_sleep(30), 1 AS cancel_long_key'));
      await untilRunning('cancel_long_key', 'PgSleep');
      await a.cancel();
      await a.ready();
      await a.query('SELECT 1');
    },
  },
  {
    name: 'cancel-copy-in',
    section: '2.10',
    setup: 'CREATE TABLE t (n int)',
    async run({ open, untilRunning }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      await untilRunning('COPY t FROM', 'ClientRead');
      // A backend that waits for copy data does not notice; it does when the next data comes.
      await a.cancel();
      await pause(50);
      await a.quiet();
      await a.send(copyData('1\n'), copyDone());
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'statement-timeout',
    section: '2.10',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SET statement_timeout = '40ms'`);
      await a.query('SELECT pg_sleep(30)');
      await a.segment(extended('SELECT pg_sleep(30)'));
      await a.query('SET statement_timeout = 0');
      await a.query('SELECT pg_sleep(0.06)');
      await a.query(`BEGIN; SET LOCAL statement_timeout = '40ms'`);
      await a.query('SELECT pg_sleep(30)');
      await a.query('ROLLBACK');
      await a.query('SELECT pg_sleep(0.06)');
    },
  },
];
