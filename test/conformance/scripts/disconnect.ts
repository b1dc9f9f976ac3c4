/** How a session ends: politely, in the middle, or by vanishing (§2.9, §2.15). */
import { copyData, extended, flush, parse, query, sync, terminate } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

const TABLE = 'CREATE TABLE t (n int)';
const NONE_OPEN = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
  AND pid <> pg_backend_pid()`;

export const disconnectScripts: readonly Script[] = [
  {
    name: 'disconnect-terminate-idle',
    section: '2.9',
    async run({ open }) {
      const a = await open('A');
      await a.query('SELECT 1');
      await a.send(terminate());
      await a.closed();
    },
  },
  {
    name: 'disconnect-terminate-after-unsynced-work',
    section: '2.9',
    setup: TABLE,
    async run({ open, observe, observeUntil }) {
      const a = await open('A');
      await a.send(extended('INSERT INTO t VALUES (1)'), flush());
      await a.until('CommandComplete');
      await a.send(terminate());
      await a.closed();
      await observeUntil(NONE_OPEN, '0');
      await observe('SELECT count(*) FROM t');
    },
  },
  {
    name: 'disconnect-terminate-while-skipping',
    section: '2.1',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.send(parse('', 'SELEC'), extended('INSERT INTO t VALUES (1)'));
      await a.until('ErrorResponse');
      await a.send(terminate());
      await a.closed();
      await observe('SELECT count(*) FROM t');
    },
  },
  {
    name: 'disconnect-vanish-in-transaction',
    section: '2.9',
    setup: TABLE,
    async run({ open, observe, observeUntil }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query('INSERT INTO t VALUES (1)');
      a.disconnect();
      await observeUntil(NONE_OPEN, '0');
      await observe('SELECT count(*) FROM t');
      const b = await open('B');
      await b.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'disconnect-vanish-with-unsynced-work',
    section: '2.9',
    setup: TABLE,
    async run({ open, observe, observeUntil }) {
      const a = await open('A');
      await a.send(extended('INSERT INTO t VALUES (1)'), flush());
      await a.until('CommandComplete');
      a.disconnect();
      await observeUntil(NONE_OPEN, '0');
      await observe('SELECT count(*) FROM t');
      const b = await open('B');
      await b.segment(extended('SELECT count(*) FROM t'));
    },
  },
  {
    name: 'disconnect-vanish-while-copying-in',
    section: '2.9',
    setup: TABLE,
    async run({ open, observe, observeUntil }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      await a.send(copyData('1\n2\n'));
      a.disconnect();
      await observeUntil(NONE_OPEN, '0');
      await observe('SELECT count(*) FROM t');
      const b = await open('B');
      await b.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'disconnect-vanish-in-the-middle-of-a-message',
    section: '2.9',
    setup: TABLE,
    async run({ open, observe, observeUntil }) {
      const a = await open('A');
      await a.query('BEGIN; INSERT INTO t VALUES (1)');
      await a.send(query(`INSERT INTO t VALUES (2) -- ${'x'.repeat(200_000)}`).subarray(0, 150_000));
      a.disconnect();
      await observeUntil(NONE_OPEN, '0');
      await observe('SELECT count(*) FROM t');
      const b = await open('B');
      await b.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'disconnect-synced-work-is-kept',
    section: '2.9',
    setup: TABLE,
    async run({ open, observeUntil }) {
      const a = await open('A');
      await a.send(extended('INSERT INTO t VALUES (1)'), sync(), extended('INSERT INTO t VALUES (2)'));
      await a.ready();
      a.disconnect();
      await observeUntil(NONE_OPEN, '0');
      await observeUntil('SELECT string_agg(n::text, $$,$$) FROM t', '1');
    },
  },
  {
    name: 'disconnect-session-state-is-gone',
    section: '2.11',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SET work_mem = '444kB'; SET ROLE script_role; SET search_path = noisy`);
      await a.segment(parse('s1', `SELECT 'of a'`), parse('', `SELECT 'of a'`));
      await a.terminate();
      const b = await open('B');
      await b.query('SHOW work_mem; SHOW search_path; SELECT current_user = session_user');
      await b.query('EXECUTE s1');
    },
  },
  {
    name: 'disconnect-terminated-by-the-server',
    section: '2.15',
    async run({ open, observeUntil }) {
      const a = await open('A');
      await a.query('BEGIN');
      await observeUntil(
        `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction'`,
        '1',
      );
      await a.closed();
    },
  },
  {
    name: 'disconnect-idle-in-transaction-timeout',
    section: '2.15',
    async run({ open }) {
      const a = await open('A');
      await a.query(`SET idle_in_transaction_session_timeout = '50ms'`);
      await a.query('BEGIN');
      await a.closed();
    },
  },
];
