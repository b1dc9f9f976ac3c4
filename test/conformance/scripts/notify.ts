/** LISTEN and NOTIFY: who gets what, when, and from whom (§2.15). */
import { extended, query } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const notifyScripts: readonly Script[] = [
  {
    name: 'notify-self',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      await a.query('LISTEN news');
      await a.query(`NOTIFY news, 'hello'`);
      await a.until('NotificationResponse', 0);
      await a.query('NOTIFY news');
      await a.segment(extended(`SELECT pg_notify('news', 'from a function')`));
      await a.query('SELECT pg_listening_channels()');
      await a.query('UNLISTEN news');
      await a.query(`NOTIFY news, 'unheard'`);
      await a.query('SELECT count(*) FROM pg_listening_channels()');
    },
  },
  {
    name: 'notify-from-another-session',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('LISTEN news');
      await b.query(`NOTIFY news, 'one'`);
      await a.until('NotificationResponse');
      await b.query(`NOTIFY other, 'not for a'; NOTIFY news, 'two'`);
      await a.until('NotificationResponse');
      await b.query(`BEGIN; NOTIFY news, 'three'; NOTIFY news, 'three'; NOTIFY news, 'four'; COMMIT`);
      await a.until('NotificationResponse', 2);
      await a.query('SELECT 1');
    },
  },
  {
    name: 'notify-both-listen',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('LISTEN news');
      await b.query('LISTEN news');
      await b.query('LISTEN jobs');
      await a.query(`NOTIFY news, 'to both'`);
      await b.until('NotificationResponse');
      await a.query(`NOTIFY jobs, 'to b only'`);
      await b.until('NotificationResponse');
      await b.query('UNLISTEN *');
      await a.query(`NOTIFY news, 'to a only'`);
      await b.query('SELECT 1');
    },
  },
  {
    name: 'notify-waits-for-the-end-of-the-transaction',
    section: '2.15',
    serverConnections: 2,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('LISTEN news');
      await a.query('BEGIN');
      await b.query(`NOTIFY news, 'while a is in a transaction'`);
      await a.query('SELECT 1');
      await a.quiet();
      await a.query('COMMIT');
      await a.until('NotificationResponse', 0);
      await a.query('SELECT 2');
    },
  },
  {
    name: 'notify-and-rolled-back-listens',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN; LISTEN news');
      await a.query('ROLLBACK');
      await a.query(`NOTIFY news, 'unheard'`);
      await a.query('BEGIN; LISTEN news; NOTIFY news, $$own$$');
      await a.query('COMMIT');
      await a.query('BEGIN; UNLISTEN news');
      await a.query('ROLLBACK');
      await a.query(`NOTIFY news, 'still heard'`);
      await a.query(`BEGIN; NOTIFY news, 'rolled back'; ROLLBACK`);
      await a.query('LISTEN jobs; SELECT 1/0');
      await a.query(`NOTIFY jobs, 'unheard'`);
      await a.query('BEGIN; SAVEPOINT s; LISTEN jobs; ROLLBACK TO s; COMMIT');
      await a.query(`NOTIFY jobs, 'unheard'`);
    },
  },
  {
    name: 'notify-names-and-payloads',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      await a.query('LISTEN "Mixed Case; with"');
      await a.query(`NOTIFY "Mixed Case; with", 'quo''te "x" \\ ünï'`);
      await a.query('LISTEN FoLdEd');
      await a.query(`SELECT pg_notify('folded', repeat('p', 7999))`);
      await a.query(`SELECT pg_notify('folded', repeat('p', 8000))`);
      await a.query(`SELECT pg_notify('', 'x')`);
      await a.segment(extended('LISTEN jobs'), extended(`NOTIFY jobs, 'same segment'`));
      await a.query('UNLISTEN "Mixed Case; with"; UNLISTEN never_listened');
      await a.query('SELECT c FROM pg_listening_channels() c ORDER BY c');
      await a.query('LISTEN');
    },
  },
  {
    name: 'notify-order-with-results',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      await a.query('LISTEN news');
      await a.send(query(`NOTIFY news, '1'; SELECT 1`), query(`NOTIFY news, '2'`), query('SELECT 2'));
      await a.ready(3);
      await a.query(`LISTEN jobs; NOTIFY jobs, 'a'; NOTIFY news, 'b'; SELECT pg_notify('jobs', 'c')`);
    },
  },
];
