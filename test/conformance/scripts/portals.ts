/** Portals and cursors: suspension, life time, row-limited reading (§2.8). */
import {
  bind,
  closePortal,
  describePortal,
  execute,
  extended,
  flush,
  parse,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

const SERIES = 'SELECT i, i * i FROM generate_series(1, 10) i';

export const portalScripts: readonly Script[] = [
  {
    name: 'portal-dies-at-sync-outside-a-transaction',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', SERIES), bind({ portal: 'p' }), execute('p', 3));
      await a.segment(execute('p', 3));
      await a.segment(parse('', SERIES), bind(), execute('', 2));
      await a.segment(execute('', 2));
    },
  },
  {
    name: 'portal-survives-sync-inside-a-transaction',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.segment(parse('s1', SERIES), bind({ portal: 'p', statement: 's1' }), execute('p', 3));
      await a.segment(execute('p', 3));
      await a.segment(describePortal('p'), execute('p', 100));
      await a.segment(execute('p', 1));
      await a.query('COMMIT');
      await a.segment(execute('p', 1));
    },
  },
  {
    name: 'portal-loop-with-flush',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', SERIES), bind({ portal: 'p' }), describePortal('p'), flush());
      await a.until('RowDescription');
      for (let turn = 0; turn < 3; turn += 1) {
        await a.send(execute('p', 3), flush());
        await a.until('PortalSuspended');
      }
      await a.send(execute('p', 3), flush());
      await a.until('CommandComplete');
      await a.send(closePortal('p'), sync());
      await a.ready();
    },
  },
  {
    name: 'portal-exact-and-zero-limits',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', SERIES), bind(), execute('', 10), execute('', 1));
      await a.segment(parse('', SERIES), bind(), execute('', -1));
      await a.segment(parse('', 'SELECT 1 WHERE false'), bind(), execute('', 1));
    },
  },
  {
    name: 'portal-several-at-once',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        parse('s1', SERIES),
        bind({ portal: 'x', statement: 's1' }),
        bind({ portal: 'y', statement: 's1' }),
        execute('x', 1),
        execute('y', 2),
        execute('x', 1),
        closePortal('y'),
        execute('x', 1),
        execute('y', 1),
      );
    },
  },
  {
    name: 'portal-duplicate-and-unknown',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', SERIES), bind({ portal: 'p' }), bind({ portal: 'p' }));
      await a.segment(execute('missing'));
      await a.segment(describePortal('missing'));
      await a.segment(describePortal());
      await a.segment(closePortal('missing'));
    },
  },
  {
    name: 'portal-of-data-changing-statement',
    section: '2.8',
    setup: 'CREATE TABLE t (n int)',
    async run({ open }) {
      const a = await open('A');
      const sql = 'INSERT INTO t SELECT generate_series(1, 4) RETURNING n';
      await a.segment(parse('', sql), bind(), execute('', 2), execute('', 10));
      await a.query('SELECT count(*) FROM t');
    },
  },
  {
    name: 'cursor-in-transaction',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query(`DECLARE c1 SCROLL CURSOR FOR ${SERIES}`);
      await a.query('FETCH 2 FROM c1');
      await a.segment(extended('FETCH PRIOR FROM c1'));
      await a.query('MOVE LAST c1');
      await a.segment(describePortal('c1'), execute('c1', 2));
      await a.query('CLOSE c1');
      await a.query('FETCH c1');
      await a.query('ROLLBACK');
      await a.query('DECLARE c2 CURSOR FOR SELECT 1');
    },
  },
  {
    name: 'cursor-with-hold-outlives-its-transaction',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.query(`DECLARE c1 CURSOR WITH HOLD FOR ${SERIES}`);
      await a.query('FETCH 2 FROM c1');
      await a.query('COMMIT');
      await a.query('FETCH 2 FROM c1');
      await a.segment(extended('FETCH 1 FROM c1'));
      await a.query('SELECT name, is_holdable FROM pg_cursors');
      await a.query('CLOSE c1');
      await a.query('FETCH c1');
      await a.query(`DECLARE c1 CURSOR WITH HOLD FOR SELECT 'another'`);
      await a.query('FETCH ALL c1');
      await a.query('CLOSE ALL');
      await a.query('SELECT count(*) FROM pg_cursors');
    },
  },
];
