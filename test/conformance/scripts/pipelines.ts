/** Extended-protocol pipelines: one Sync or many, Flush or none, and what an error discards (§2.1, §2.3, §2.6). */
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
  functionCall,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

/** `int4pl(int4, int4)`. */
const INT4PL = 177;

export const pipelineScripts: readonly Script[] = [
  {
    name: 'pipeline-one-segment',
    section: '2.1',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', 'SELECT $1::int + 1 AS n', [23]), describeStatement(), bind({ values: ['41'] }));
      await a.send(describePortal(), execute(), sync());
      await a.ready();
    },
  },
  {
    name: 'pipeline-many-segments-in-one-write',
    section: '2.6',
    async run({ open }) {
      const a = await open('A');
      await a.send(
        ...Array.from({ length: 8 }, (_, index) => [extended('SELECT $1::text', [`row ${index}`]), sync()]).flat(),
      );
      await a.ready(8);
      await a.send(sync(), sync(), sync());
      await a.ready(3);
    },
  },
  {
    name: 'pipeline-flush-answers-without-sync',
    section: '2.3',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', 'SELECT $1::text, $2::int'), describeStatement(), flush());
      await a.until('RowDescription');
      await a.send(bind({ values: ['x', '7'] }), execute(), flush());
      await a.until('CommandComplete');
      await a.send(sync());
      await a.ready();
    },
  },
  {
    name: 'pipeline-no-flush-no-answer-until-sync',
    section: '2.3',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', 'SELECT 1'), bind(), execute());
      await a.quiet();
      await a.send(sync());
      await a.ready();
    },
  },
  {
    name: 'pipeline-error-arrives-without-flush',
    section: '2.3',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', 'SELECT * FROM no_such_table'));
      await a.until('ErrorResponse');
      await a.send(sync());
      await a.ready();
    },
  },
  {
    name: 'pipeline-error-skips-to-sync',
    section: '2.1',
    setup: 'CREATE TABLE t (n int PRIMARY KEY)',
    async run({ open }) {
      const a = await open('A');
      await a.send(
        parse('', 'SELECT 1/0'),
        bind(),
        execute(),
        extended('INSERT INTO t VALUES (1)'),
        closeStatement('nothing'),
        sync(),
        extended('SELECT count(*) FROM t'),
        sync(),
      );
      await a.ready(2);
    },
  },
  {
    name: 'pipeline-error-discards-query-and-function-call',
    section: '2.1',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.send(
        parse('', 'SELEC 1'),
        query('INSERT INTO t VALUES (1)'),
        functionCall(INT4PL, ['1', '2']),
        query('SELECT 2'),
        flush(),
        sync(),
        query('SELECT count(*) FROM t'),
      );
      await a.ready(2);
    },
  },
  {
    name: 'pipeline-error-in-query-discards-nothing-after-it',
    section: '2.1',
    async run({ open }) {
      const a = await open('A');
      await a.send(query('SELECT 1/0'), query('SELECT 1'), functionCall(INT4PL, ['x', '2']), query('SELECT 2'));
      await a.ready(4);
    },
  },
  {
    name: 'pipeline-query-acts-as-sync',
    section: '2.2',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.send(extended('INSERT INTO t VALUES (1)'), query('SELECT count(*) FROM t'));
      await a.ready();
      await a.send(extended('SELECT 1/0'), sync());
      await a.ready();
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    // Postgres 18 answers ReadyForQuery I and yet fails the next command of this backend with XX000
    // ("unexpected state STARTED"): a pooler must not let that hit the next caller.
    name: 'pipeline-query-before-sync-harms-nobody-else',
    section: '2.2',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.send(extended('SELECT 1'), query('SELECT 2'), sync());
      await a.ready(2);
      await b.query('SELECT 3');
      await b.segment(extended('SELECT 4'));
    },
  },
  {
    name: 'pipeline-query-before-sync',
    section: '2.2',
    async run({ open }) {
      const a = await open('A');
      await a.send(extended('SELECT 1'), query('SELECT 2'), sync());
      await a.ready(2);
      await a.query('SELECT 3');
      await a.query('SELECT 4');
    },
  },
  {
    name: 'pipeline-error-between-good-segments',
    section: '2.6',
    async run({ open }) {
      const a = await open('A');
      await a.send(
        extended('SELECT 1'),
        sync(),
        extended('SELECT 1/0'),
        extended('SELECT 2'),
        sync(),
        extended('SELECT 3'),
        sync(),
      );
      await a.ready(3);
    },
  },
  {
    name: 'pipeline-stray-copy-messages-are-ignored',
    section: '2.7',
    async run({ open }) {
      const a = await open('A');
      await a.send(copyData('stray\n'), copyDone(), extended('SELECT 1'), copyData('stray\n'), sync(), copyDone());
      await a.ready();
      await a.query('SELECT 2');
    },
  },
  {
    name: 'pipeline-close-answers-for-unknown-names',
    section: '2.1',
    async run({ open }) {
      const a = await open('A');
      await a.segment(closeStatement('never there'), closeStatement(), closeStatement('never there'));
    },
  },
  {
    name: 'pipeline-two-sessions-keep-their-answers',
    section: '2.4',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      const burst = (who: string) =>
        Array.from({ length: 30 }, (_, index) => [extended('SELECT $1', [`${who}${index}`]), sync()]).flat();
      await a.send(...burst('a'));
      await b.send(...burst('b'));
      await b.send(query(`SELECT 'b after'`));
      await b.ready(31);
      await a.ready(30);
    },
  },
  {
    name: 'pipeline-result-formats',
    section: '2.6',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        parse('', 'SELECT 1::int4 AS i, true AS b, NULL::text AS n, $1::bytea AS r'),
        bind({ values: [Uint8Array.of(0, 1, 254)], parameterFormats: [1], resultFormats: [1] }),
        describePortal(),
        execute(),
      );
      await a.segment(bind({ values: ['\\x00ff'], resultFormats: [0, 1, 0, 0] }), execute());
      await a.segment(bind({ values: ['x'], resultFormats: [0, 1] }), execute());
      await a.segment(bind({ values: ['x', 'y'] }), execute());
      await a.segment(bind({ values: ['x'], parameterFormats: [7] }), execute());
    },
  },
];
