/** What random conversations found, each with what it was about (§3 item 2). */
import {
  bind,
  closeStatement,
  copyData,
  copyDone,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

const TABLE = 'CREATE TABLE t (n int)';

export const huntedScripts: readonly Script[] = [
  {
    name: 'hunted-parse-of-a-taken-name-that-fails-otherwise',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT $1::int'));
      for (const text of ['SELECT 1; SELECT 2', 'SELEC', 'SELECT nowhere', 'SELECT 3'])
        await a.segment(parse('s1', text));
      await a.query('BEGIN');
      await a.query('SELECT 1/0');
      for (const text of ['SELECT 1; SELECT 2', 'SELEC', 'SELECT 3', 'COMMIT']) await a.segment(parse('s1', text));
    },
  },
  {
    name: 'hunted-unnamed-statement-behind-a-failed-segment',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.send(bind({ values: ['7'] }), execute(), extended('SELECT 1'), sync(), parse('', 'SELECT 2'));
      await a.ready();
      await a.segment(bind({ values: [] }), execute());
    },
  },
  {
    name: 'hunted-two-names-for-one-statement',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT $1::int'));
      await a.segment(parse('s2', 'SELECT $1::int'));
      await a.segment(bind({ statement: 's2', values: [] }), execute());
      await a.segment(bind({ statement: 's1', values: [] }), execute());
    },
  },
  {
    name: 'hunted-deallocate-all-and-at-once-a-describe',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.send(query('DEALLOCATE ALL'), describeStatement('s1'), sync());
      await a.ready(2);
    },
  },
  {
    name: 'hunted-copy-again-without-parse',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', 'COPY t FROM STDIN'), bind(), execute(), copyData('8\n'), copyDone(), sync());
      await a.send(bind({ portal: '', statement: '', values: [] }), execute('', 0));
      await a.send(copyData('stray\n'), parse('', 'SELECT $1::int'), sync(), sync());
      await a.ready(3);
    },
  },
  {
    name: 'hunted-large-texts-in-pieces',
    section: '2.3',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      const text = query(`SELECT length('${'y'.repeat(1_000_000)}')`);
      await a.send(text.subarray(0, 700_000));
      // What has not arrived whole keeps nobody's connection.
      await b.query('SELECT 1');
      await a.send(text.subarray(700_000));
      await a.ready();
    },
  },
  {
    name: 'hunted-error-about-a-statement-closed-behind-it',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT $1::int'));
      await a.segment(bind({ statement: 's1', values: [] }), closeStatement('s1'));
      await a.segment(bind({ statement: 's1', values: [] }), closeStatement('s1'));
    },
  },
  {
    name: 'hunted-prepare-in-a-segment-skipped-and-bound-again',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.send(describePortal(''), extended('PREPARE s1 AS SELECT 1'), sync(), bind(), execute(), sync());
      await a.ready(2);
    },
  },
  {
    name: 'hunted-extended-messages-inside-a-copy',
    section: '2.7',
    setup: TABLE,
    async run({ open }) {
      const broken = [
        closeStatement('s1'),
        closeStatement(''),
        bind({ statement: 's1' }),
        describeStatement('s1'),
        execute(),
        parse('s1', 'SELECT 1'),
        parse('', 'SELECT 1'),
      ];
      for (const [n, message] of broken.entries()) {
        const a = await open(`A${n}`);
        await a.segment(parse('s1', 'SELECT $1::int'));
        await a.send(parse('', 'COPY t FROM STDIN'), bind(), execute(), flush());
        await a.until('CopyInResponse');
        await a.send(message, sync());
        await a.closed();
      }
    },
  },
];
