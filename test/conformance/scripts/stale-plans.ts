/** `cached plan must not change result type` and other effects of DDL on prepared statements (§2.13). */
import {
  bind,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  parse,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

const TABLE = 'CREATE TABLE t (n int); INSERT INTO t VALUES (1)';

export const stalePlanScripts: readonly Script[] = [
  {
    name: 'stale-plan-outside-a-transaction',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT * FROM t'), describeStatement('s1'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text DEFAULT $$x$$');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(describeStatement('s1'));
    },
  },
  {
    name: 'stale-plan-inside-a-transaction',
    section: '2.13',
    isAboutOneConnection: true,
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ALTER COLUMN n TYPE text');
      await a.query('BEGIN');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('ROLLBACK');
    },
  },
  {
    name: 'stale-plan-after-earlier-work-in-the-segment',
    section: '2.13',
    isAboutOneConnection: true,
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.segment(extended('INSERT INTO t VALUES (2)'), bind({ statement: 's1' }), execute());
      await observe('SELECT count(*) FROM t');
    },
  },
  {
    name: 'stale-plan-fresh-parse-always-works',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.segment(parse('s1', 'SELECT * FROM t'), describeStatement('s1'), bind({ statement: 's1' }), execute());
      await a.segment(parse('', 'SELECT * FROM t'), bind(), execute());
    },
  },
  {
    name: 'stale-plan-fresh-parse-works-with-flush',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      // As drivers do that want the parameter types before they bind.
      await a.send(parse('s1', 'SELECT * FROM t'), describeStatement('s1'), flush());
      await a.until('RowDescription');
      await a.segment(bind({ statement: 's1' }), execute());
    },
  },
  {
    name: 'stale-plan-of-a-described-statement',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT * FROM t'), describeStatement('s1'));
      await a.segment(bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ALTER COLUMN n TYPE float4');
      // It would take the bytes of the one type for the other.
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await a.segment(parse('s2', 'SELECT * FROM t'), describeStatement('s2'));
      await a.segment(bind({ statement: 's2' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ALTER COLUMN n TYPE int');
      await a.segment(bind({ statement: 's2' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
    },
  },
  {
    name: 'stale-plan-that-another-has-parsed-anew',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await a.segment(parse('s1', 'SELECT * FROM t'), describeStatement('s1'));
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await b.segment(parse('s1', 'SELECT * FROM t'), describeStatement('s1'));
      await b.segment(bind({ statement: 's1' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await b.segment(bind({ statement: 's1' }), execute());
      await b.segment(parse('s2', 'SELECT * FROM t'), bind({ statement: 's2' }), describePortal(), execute());
      await a.segment(parse('s2', 'SELECT * FROM t'), bind({ statement: 's2' }), execute());
      await a.segment(bind({ statement: 's1' }), execute());
    },
  },
  {
    name: 'stale-plan-of-a-described-portal',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), describePortal(), execute());
      await a.segment(bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.segment(bind({ portal: 'p', statement: 's1' }), execute('p'));
      await a.query('BEGIN');
      await a.segment(bind({ statement: 's1' }), execute());
      await a.query('ROLLBACK');
    },
  },
  {
    name: 'stale-plan-of-a-described-insert',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'INSERT INTO t VALUES (2) RETURNING *'), describeStatement('s1'));
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.segment(bind({ statement: 's1' }), execute());
      await observe('SELECT count(*) FROM t');
      await a.segment(bind({ portal: 'p', statement: 's1' }), execute('p'), extended('SELECT 1'));
      await a.segment(extended('SELECT 2'));
    },
  },
  {
    name: 'stale-plan-other-feature-not-supported-errors',
    section: '2.13',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'), bind({ statement: 's1' }), execute());
      await a.segment(extended('SELECT 1 FROM generate_series(1, 2) FOR UPDATE'));
      await a.query('CREATE TABLE x.y.z.t (n int)');
      await a.segment(bind({ statement: 's1' }), execute());
    },
  },
  {
    name: 'stale-plan-of-a-dropped-table',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT n FROM t'), bind({ statement: 's1' }), execute());
      await observe('DROP TABLE t');
      await a.segment(bind({ statement: 's1' }), execute());
      await observe('CREATE TABLE t (n int)');
      await a.segment(bind({ statement: 's1' }), execute());
    },
  },
  {
    name: 'stale-plan-sql-execute',
    section: '2.13',
    isAboutOneConnection: true,
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      await a.query('PREPARE s1 AS SELECT * FROM t');
      await a.query('EXECUTE s1');
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.query('EXECUTE s1');
    },
  },
  {
    name: 'stale-plan-fresh-parse-in-a-transaction',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.query('BEGIN');
      await a.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await a.query('COMMIT');
    },
  },
  {
    name: 'stale-plan-fresh-parse-behind-other-work',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.segment(
        extended('INSERT INTO t VALUES (2)'),
        parse('s1', 'SELECT * FROM t'),
        bind({ statement: 's1' }),
        execute(),
      );
      await observe('SELECT count(*) FROM t');
    },
  },
  {
    name: 'stale-plan-of-the-second-statement-in-a-segment',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await a.segment(parse('s1', 'SELECT 1'));
      await b.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await observe('ALTER TABLE t ADD COLUMN extra text');
      await a.segment(
        bind({ portal: 'p1', statement: 's1' }),
        closeStatement('s1'),
        parse('s2', 'SELECT * FROM t'),
        bind({ statement: 's2' }),
        execute(),
      );
    },
  },
  {
    name: 'stale-plan-fresh-parse-of-a-dropped-table',
    section: '2.13',
    setup: TABLE,
    async run({ open, observe }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT n FROM t'), bind({ statement: 's1' }), execute());
      await observe('DROP TABLE t');
      await a.segment(parse('s1', 'SELECT n FROM t'), bind({ statement: 's1' }), execute());
      await a.segment(describeStatement('s1'));
      await observe('CREATE TABLE t (n text)');
      await a.segment(parse('s1', 'SELECT n FROM t'), describeStatement('s1'));
    },
  },
  {
    name: 'stale-plan-behind-a-temporary-table',
    section: '2.13',
    setup: TABLE,
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await b.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await a.query('CREATE TEMP TABLE t (n text, m text)');
      await a.query('BEGIN');
      await a.segment(parse('s1', 'SELECT * FROM t'), bind({ statement: 's1' }), execute());
      await a.query('COMMIT');
      await a.query('DROP TABLE pg_temp.t');
      await b.query('BEGIN');
      await b.segment(bind({ statement: 's1' }), execute());
      await b.query('COMMIT');
    },
  },
];
