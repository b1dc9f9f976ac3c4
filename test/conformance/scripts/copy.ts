/** COPY in both protocols, both directions, with errors from either side (§2.7). */
import {
  bind,
  copyData,
  copyDone,
  copyFail,
  execute,
  extended,
  flush,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

const TABLE = 'CREATE TABLE t (n int, s text)';
const copyIn = [parse('', 'COPY t FROM STDIN'), bind(), execute()];

export const copyScripts: readonly Script[] = [
  {
    name: 'copy-in-simple',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      await a.send(copyData('1\tone\n2\t'), copyData('two\n'), copyDone());
      await a.ready();
      await a.query('SELECT * FROM t ORDER BY n');
    },
  },
  {
    name: 'copy-in-simple-all-at-once',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'), copyData('1\tone\n'), copyDone(), query('SELECT * FROM t'));
      await a.ready(2);
    },
  },
  {
    name: 'copy-in-simple-server-error',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      await a.send(copyData('not a number\tx\n'));
      await a.ready();
      await a.send(copyData('1\tlate\n'), copyDone());
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-simple-server-error-before-response',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY missing FROM STDIN'), copyData('1\tx\n'), copyDone(), query('SELECT count(*) FROM t'));
      await a.ready(2);
    },
  },
  {
    name: 'copy-in-simple-caller-fails',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'), copyData('1\tx\n'), copyFail('changed my mind'));
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-extended',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, flush());
      await a.until('CopyInResponse');
      await a.send(copyData('1\tone\n'), copyDone(), sync());
      await a.ready();
      await a.send(...copyIn, copyData('2\ttwo\n'), copyDone(), sync(), extended('SELECT count(*) FROM t'), sync());
      await a.ready(2);
    },
  },
  {
    name: 'copy-in-extended-sync-and-flush-inside-are-swallowed',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, sync());
      await a.until('CopyInResponse');
      await a.send(copyData('1\tone\n'), sync(), flush(), copyData('2\ttwo\n'), sync(), copyDone(), flush());
      await a.until('CommandComplete');
      await a.quiet();
      await a.send(sync());
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-extended-sync-sent-before-the-response',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, sync(), copyData('1\tone\n'), copyDone(), sync());
      await a.ready();
      await a.quiet();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-extended-server-error',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, flush());
      await a.until('CopyInResponse');
      await a.send(copyData('not a number\tx\n'));
      await a.until('ErrorResponse');
      await a.send(copyData('1\tlate\n'), copyDone(), extended('SELECT 1'), query('SELECT 2'), sync());
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-extended-caller-fails',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, copyData('1\tx\n'), copyFail('no more'), extended('SELECT 1'), sync());
      await a.ready();
      await a.send(...copyIn, copyFail(''), sync(), query('SELECT count(*) FROM t'));
      await a.ready(2);
    },
  },
  {
    name: 'copy-in-extended-server-error-in-one-write',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, sync(), copyData('bad\n'), copyDone(), sync());
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-simple-then-a-segment-in-the-same-write',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      const copy = [query('COPY t FROM STDIN'), copyData('1\tone\n'), copyDone()];
      await a.send(...copy, extended(`PREPARE s1 AS SELECT 'mine'`), sync());
      await a.ready(2);
      await a.send(...copy, parse('s2', 'SELECT $1::int'), sync(), ...copy, query('EXECUTE s1'));
      await a.ready(4);
    },
  },
  {
    name: 'copy-in-sent-while-waiting-for-a-connection',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.query('BEGIN');
      await b.send(query('COPY t FROM STDIN'), copyData('1\tone\n'), copyDone(), query('SELECT count(*) FROM t'));
      await b.send(query('COPY t FROM STDIN'), copyData('bad\n'), copyDone(), copyFail('late'), sync());
      await b.send(...copyIn, copyFail('no'), sync(), query('SELECT 2'));
      await a.query('COMMIT');
      await b.ready(6);
      await a.query('SELECT 1');
    },
  },
  {
    name: 'copy-in-query-inside-is-fatal',
    section: '2.7',
    setup: TABLE,
    async run({ open, observeUntil }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      await a.send(copyData('1\tx\n'), query('SELECT 1'));
      await a.closed();
      await observeUntil('SELECT count(*) FROM t', '0');
    },
  },
  {
    name: 'copy-in-parse-inside-is-fatal',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(...copyIn, flush());
      await a.until('CopyInResponse');
      await a.send(parse('', 'SELECT 1'));
      await a.closed();
    },
  },
  {
    name: 'copy-several-in-one-query',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN; SELECT count(*) FROM t; COPY t FROM STDIN; COPY t TO STDOUT; SELECT 5'));
      await a.until('CopyInResponse');
      await a.send(copyData('1\tone\n'), copyDone());
      await a.until('CopyInResponse');
      await a.send(copyData('2\ttwo\n'), copyDone());
      await a.ready();
    },
  },
  {
    name: 'copy-several-in-one-query-first-fails',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(query('COPY t FROM STDIN; COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      await a.send(copyData('1\tone\n'), copyDone());
      await a.until('CopyInResponse');
      await a.send(copyFail('second one'));
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-out',
    section: '2.7',
    setup: `${TABLE}; INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, 'tab' || chr(9))`,
    async run({ open }) {
      const a = await open('A');
      await a.query('COPY t TO STDOUT');
      await a.query(`COPY (SELECT n FROM t) TO STDOUT (FORMAT csv, HEADER)`);
      await a.segment(extended('COPY t TO STDOUT'));
      await a.segment(parse('', 'COPY t TO STDOUT'), bind(), execute(), execute());
      await a.query('COPY (SELECT 1 / (n - 2) FROM t ORDER BY n) TO STDOUT');
      await a.segment(extended('COPY (SELECT 1 / (n - 2) FROM t ORDER BY n) TO STDOUT'), extended('SELECT 1'));
    },
  },
  {
    name: 'copy-binary-and-large',
    section: '2.7',
    setup: 'CREATE TABLE t (s text)',
    async run({ open }) {
      const a = await open('A');
      await a.query('COPY (SELECT 1::int4, NULL::text) TO STDOUT (FORMAT binary)');
      await a.send(query('COPY t FROM STDIN'));
      await a.until('CopyInResponse');
      for (let part = 0; part < 20; part += 1) await a.send(copyData(`${'x'.repeat(100_000)}\n`));
      await a.send(copyDone());
      await a.ready();
      await a.query('SELECT count(*), sum(length(s)) FROM t');
      await a.query(`COPY (SELECT repeat('y', 1000) FROM generate_series(1, 500)) TO STDOUT`);
    },
  },
  {
    name: 'copy-in-a-transaction',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.send(query('COPY t FROM STDIN'), copyData('1\tone\n'), copyDone());
      await a.ready();
      await a.query('SAVEPOINT s');
      await a.send(query('COPY t FROM STDIN'), copyData('bad\n'), copyDone());
      await a.ready();
      await a.query('ROLLBACK TO s');
      await a.query('SELECT count(*) FROM t');
      await a.send(...copyIn, copyData('2\ttwo\n'), copyDone(), sync());
      await a.ready();
      await a.query('COMMIT');
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-as-prepared-statement',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'COPY t FROM STDIN'));
      for (const line of ['1\tx\n', '2\ty\n']) {
        await a.send(bind({ statement: 's1' }), execute(), copyData(line), copyDone(), sync());
        await a.ready();
      }
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-with-syncs-among-its-data',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      const [good, bad] = [copyData('1\tone\n'), copyData('not a number\tx\n')];
      // Where the copy fails decides which of the Syncs are answered.
      for (const [data, readies] of [
        [[good, sync(), good, sync(), copyDone(), sync()], 1],
        [[sync(), bad, good, copyDone(), sync()], 1],
        [[bad, sync(), good, copyDone(), sync()], 2],
        [[good, sync(), bad, sync(), good, sync(), copyDone(), sync()], 3],
        [[sync(), good, copyFail('no'), sync()], 1],
      ] as const) {
        await a.send(...copyIn, flush());
        await a.until('CopyInResponse');
        await a.send(...data, extended('SELECT 1'), sync());
        await a.ready(readies + 1);
        await a.query('BEGIN');
        await a.send(...copyIn, ...data);
        await a.ready(readies);
        await a.query('ROLLBACK');
      }
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'copy-in-simple-with-syncs-among-its-data',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      const [good, bad] = [copyData('1\tone\n'), copyData('not a number\tx\n')];
      for (const [data, readies] of [
        [[good, sync(), good, copyDone()], 1],
        [[sync(), bad, good, copyDone()], 1],
        [[bad, sync(), good, copyDone()], 2],
        [[good, sync(), bad, sync(), sync(), copyDone()], 3],
        [[sync(), copyFail('no'), sync()], 2],
      ] as const) {
        await a.send(query('COPY t FROM STDIN'), ...data, query('SELECT 1'));
        await a.ready(readies + 1);
        await a.query('BEGIN');
        await a.send(query('COPY t FROM STDIN'), ...data);
        await a.ready(readies);
        await a.query('ROLLBACK');
      }
      await a.query('SELECT count(*) FROM t');
    },
  },
];
