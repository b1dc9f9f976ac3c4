/** Named statements of the extended protocol: one name space per session, Postgres's own errors (§2.12). */
import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  extended,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const namedStatementScripts: readonly Script[] = [
  {
    name: 'named-parse-once-execute-often',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', `SELECT 'mine', $1::int * 2`), describeStatement('s1'));
      for (let n = 0; n < 7; n += 1) await a.segment(bind({ statement: 's1', values: [String(n)] }), execute());
      await a.segment(describeStatement('s1'));
    },
  },
  {
    name: 'named-duplicate',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(parse('s1', 'SELECT 2'), bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.send(
        parse('s2', 'SELECT 2'),
        parse('s2', 'SELECT 3'),
        sync(),
        bind({ statement: 's2' }),
        execute(),
        sync(),
      );
      await a.ready(2);
      await a.query('BEGIN');
      await a.segment(parse('s1', 'SELECT 4'));
      await a.query('ROLLBACK');
    },
  },
  {
    name: 'named-duplicate-aborts-open-work',
    section: '2.12',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(extended('INSERT INTO t VALUES (1)'), parse('s1', 'SELECT 1'), extended('SELECT 5'));
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'named-unknown',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(bind({ statement: 'missing' }), execute());
      await a.segment(describeStatement('missing'));
      await a.segment(extended('SELECT 1'), bind({ statement: 'missing' }), extended('SELECT 2'));
      await a.query('BEGIN');
      await a.segment(describeStatement('missing'));
      await a.query('SELECT 1');
      await a.query('ROLLBACK');
      await a.query('EXECUTE missing');
      await a.query('DEALLOCATE missing');
    },
  },
  {
    name: 'named-close-and-parse-again',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(closeStatement('s1'));
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(parse('s1', `SELECT 'other'`), bind({ statement: 's1' }), execute());
      await a.segment(closeStatement('s1'), parse('s1', `SELECT 'third'`), bind({ statement: 's1' }), execute());
      await a.segment(closeStatement('s1'), closeStatement('s1'));
    },
  },
  {
    name: 'named-failed-parse-is-not-kept',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELEC 1'));
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(parse('s1', 'SELECT 1'), bind({ statement: 's1' }), execute());
      await a.segment(extended('SELECT 1/0'), parse('s2', 'SELECT 2'));
      await a.segment(bind({ statement: 's2' }), execute());
      await a.segment(parse('s2', 'SELECT 2'), bind({ statement: 's2' }), execute());
    },
  },
  {
    name: 'named-failed-parse-and-its-use-in-the-same-write',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('s1', 'SELEC'), sync(), describeStatement('s1'), sync(), bind({ statement: 's1' }), sync());
      await a.ready(3);
      await a.send(parse('s2', 'SELECT 2'), parse('s3', 'SELEC'), sync(), bind({ statement: 's2' }), execute(), sync());
      await a.send(
        describeStatement('s3'),
        sync(),
        parse('s3', `SELECT 'good'`),
        bind({ statement: 's3' }),
        execute(),
        sync(),
      );
      await a.ready(4);
    },
  },
  {
    name: 'named-survives-errors-and-rollback',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.segment(parse('s1', `SELECT 'kept'`));
      await a.query('ROLLBACK');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(parse('s2', `SELECT 'kept too'`), extended('SELECT 1/0'));
      await a.segment(bind({ statement: 's2' }), execute());
    },
  },
  {
    name: 'named-in-failed-transaction',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(parse('back', 'ROLLBACK'));
      await a.query('BEGIN; SELECT 1/0');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(describeStatement('s1'));
      await a.segment(parse('s2', 'SELECT 2'));
      await a.segment(bind({ statement: 'back' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's2' }), execute());
    },
  },
  {
    name: 'named-same-name-in-two-sessions',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.segment(parse('s1', `SELECT 'of a'`));
      await b.segment(parse('s1', `SELECT 'of b', $1::int`));
      await a.segment(bind({ statement: 's1' }), execute());
      await b.segment(bind({ statement: 's1', values: ['1'] }), execute());
      await a.segment(closeStatement('s1'));
      await b.segment(describeStatement('s1'));
      await a.segment(describeStatement('s1'));
    },
  },
  {
    name: 'named-portal-and-statement-names-together',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        parse('s1', 'SELECT $1::text'),
        bind({ portal: 'a portal with a long name', statement: 's1', values: ['x'.repeat(500)] }),
        describePortal('a portal with a long name'),
        execute('a portal with a long name'),
        closePortal('a portal with a long name'),
        execute('a portal with a long name'),
      );
    },
  },
  {
    name: 'named-close-while-portal-is-open',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        parse('s1', 'SELECT * FROM generate_series(1, 3)'),
        bind({ portal: 'p', statement: 's1' }),
        execute('p', 1),
        closeStatement('s1'),
        execute('p'),
      );
    },
  },
  {
    name: 'named-many-statements',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(...Array.from({ length: 300 }, (_, index) => parse(`many${index}`, `SELECT ${index}`)));
      for (const index of [0, 150, 299]) await a.segment(bind({ statement: `many${index}` }), execute());
      await a.query(`SELECT count(*) FROM generate_series(1, 2)`);
      await a.segment(...Array.from({ length: 300 }, (_, index) => closeStatement(`many${index}`)));
      await a.segment(bind({ statement: 'many7' }));
    },
  },
  {
    name: 'named-parameter-types',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT $1 AS v', [23]), describeStatement('s1'));
      await a.segment(parse('s2', 'SELECT $1 AS v', [25]), describeStatement('s2'));
      await a.segment(parse('s3', 'SELECT $1 AS v'), describeStatement('s3'));
      await a.segment(parse('s4', 'SELECT $2::int AS v'), describeStatement('s4'));
      await a.segment(parse('s5', 'SELECT $1 + $2 AS v', [0, 20]), describeStatement('s5'));
      await a.segment(parse('s6', 'SELECT $1 AS v', [99999]));
    },
  },
  {
    name: 'named-error-positions-and-names',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('a rather long statement name', 'SELECT 1, nothing'));
      await a.segment(parse('weird "name" ünï', 'SELECT $1::int / 0'));
      await a.segment(bind({ statement: 'weird "name" ünï', values: ['1', '2'] }));
      await a.segment(bind({ statement: 'weird "name" ünï', values: ['1'] }), execute());
      await a.segment(bind({ statement: 'weird "name" ünï', values: ['x'] }), execute());
      await a.segment(parse('weird "name" ünï', 'SELECT 1'));
    },
  },
  {
    name: 'named-multi-statement-and-empty-texts',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1; SELECT 2'));
      await a.segment(parse('s1', ''), describeStatement('s1'), bind({ statement: 's1' }), describePortal(), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.send(query('SELECT 1'), bind({ statement: 's1' }), execute(), sync());
      await a.ready(2);
    },
  },
  {
    name: 'named-constants-of-the-moment',
    section: '2.12',
    setup: 'CREATE TYPE kind AS (n int)',
    async run({ open, observe }) {
      // Postgres reads such constants when it parses: a text that somebody else prepared before means something else.
      const texts = [
        `SELECT 'now'::timestamptz = now()`,
        `SELECT timestamp with time zone 'now' = now()`,
        `SELECT coalesce($$ NOW $$::timestamptz, now()) = now()`,
        `SELECT count(*) FROM pg_type WHERE oid = 'kind'::regtype`,
        `SELECT count(*) FROM pg_type WHERE oid = regtype 'kind'`,
      ];
      const a = await open('A');
      const b = await open('B');
      for (const text of texts)
        await a.segment(parse('s', text), bind({ statement: 's' }), execute(), closeStatement('s'));
      await observe('DROP TYPE kind');
      await observe('CREATE TYPE kind AS (n int)');
      for (const text of texts)
        await b.segment(parse('s', text), bind({ statement: 's' }), execute(), closeStatement('s'));
    },
  },
  {
    name: 'named-text-of-others-in-a-failed-transaction',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT 1'), parse('s2', 'ROLLBACK'));
      await a.query('BEGIN');
      await a.query('SELECT 1/0');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.segment(parse('s2', 'ROLLBACK'), bind({ statement: 's2' }), execute());
      await a.segment(parse('s1', 'SELECT 1'), bind({ statement: 's1' }), execute());
      await b.segment(bind({ statement: 's1' }), execute());
    },
  },
];
