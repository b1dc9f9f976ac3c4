/** The unnamed statement belongs to its session, across Sync, until Parse or Query replaces it (§2.4, §2.12). */
import { bind, closeStatement, describeStatement, execute, parse, query, sync } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const unnamedStatementScripts: readonly Script[] = [
  {
    name: 'unnamed-survives-sync',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', `SELECT 'mine', $1::int`));
      await a.segment(describeStatement());
      await a.segment(bind({ values: ['1'] }), execute());
      await a.segment(bind({ values: ['2'] }), execute());
      await a.segment(describeStatement(), bind({ values: ['3'] }), execute());
    },
  },
  {
    name: 'unnamed-of-two-sessions',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      const b = await open('B');
      await a.segment(parse('', `SELECT 'of a'`));
      await b.segment(parse('', `SELECT 'of b', 2`));
      await a.segment(bind(), execute());
      await b.segment(bind(), execute());
      await a.segment(describeStatement());
      await b.segment(describeStatement());
    },
  },
  {
    name: 'unnamed-destroyed-by-query',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT 1'));
      await a.query('SELECT 2');
      await a.segment(bind(), execute());
      await a.segment(describeStatement());
      await a.segment(parse('', 'SELECT 3'));
      await a.query('');
      await a.segment(bind(), execute());
    },
  },
  {
    name: 'unnamed-destroyed-by-query-in-the-same-write',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.send(parse('', 'SELECT 1'), query('SELECT 2'), bind(), execute(), sync());
      await a.ready(2);
    },
  },
  {
    name: 'unnamed-lost-by-failed-parse',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT 1'));
      await a.segment(parse('', 'SELEC 2'));
      await a.segment(bind(), execute());
      await a.segment(parse('', 'SELECT 3'));
      await a.segment(parse('', 'SELECT * FROM missing'));
      await a.segment(bind(), execute());
    },
  },
  {
    name: 'unnamed-kept-by-error-elsewhere',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT $1::int'));
      await a.segment(bind({ values: ['not a number'] }), execute());
      await a.segment(bind({ statement: 'missing' }));
      await a.segment(bind({ values: ['4'] }), execute());
    },
  },
  {
    name: 'unnamed-closed',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT 1'));
      await a.segment(closeStatement(''));
      await a.segment(bind(), execute());
      await a.segment(describeStatement());
    },
  },
  {
    name: 'unnamed-in-transaction',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT 1'));
      await a.segment(bind(), execute());
      await a.query('BEGIN');
      await a.segment(bind(), execute());
      await a.segment(parse('', 'SELECT 2'));
      await a.segment(bind({ statement: 'missing' }));
      await a.segment(bind(), execute());
      await a.segment(parse('', 'ROLLBACK'), bind(), execute());
      await a.segment(bind(), execute());
    },
  },
  {
    name: 'unnamed-replaced-while-a-portal-is-open',
    section: '2.8',
    async run({ open }) {
      const a = await open('A');
      await a.segment(
        parse('', 'SELECT * FROM generate_series(1, 3) AS old'),
        bind({ portal: 'old' }),
        execute('old', 1),
        parse('', `SELECT 'new'`),
        bind(),
        execute(),
        execute('old'),
      );
    },
  },
];
