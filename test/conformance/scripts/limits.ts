/** Odd, oversized and broken messages (§2.16, and §3 item 10). */
import {
  bind,
  bytes,
  closeStatement,
  cstring,
  describeStatement,
  execute,
  extended,
  int16,
  int32,
  message,
  parse,
  query,
  sync,
} from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

export const limitScripts: readonly Script[] = [
  {
    name: 'limit-unknown-message-type',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.query('SELECT 1');
      await a.send(message('y'));
      await a.closed();
    },
  },
  {
    name: 'limit-unknown-message-type-in-pipeline',
    section: '2.16',
    setup: 'CREATE TABLE t (n int)',
    async run({ open, observeUntil }) {
      const a = await open('A');
      await a.send(extended('INSERT INTO t VALUES (1)'), message('!', cstring('x')), sync());
      await a.closed();
      await observeUntil('SELECT count(*) FROM t', '0');
    },
  },
  {
    name: 'limit-message-length-below-four',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.send(message('Q', new Uint8Array(), 3));
      await a.closed();
    },
  },
  {
    name: 'limit-small-message-too-long',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.send(message('S', new Uint8Array(10_001)));
      await a.closed();
      const b = await open('B');
      await b.send(describeStatement('n'.repeat(10_100)));
      await b.closed();
    },
  },
  {
    name: 'limit-four-gigabyte-length',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.send(message('Q', cstring('SELECT 1'), 0xffffffff));
      await a.closed();
    },
  },
  {
    name: 'limit-malformed-bodies',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.segment(message('P', bytes('no terminator')));
      await a.segment(message('B', bytes(cstring(''), cstring(''), int16(3))));
      await a.segment(message('D', bytes('X', cstring(''))));
      await a.segment(message('C', bytes('X', cstring(''))));
      for (const body of [bytes(), bytes('S'), bytes('S', 's1'), bytes('S', cstring('s1'), cstring('s2'))])
        await a.segment(message('C', body));
      await a.segment(message('E', bytes(cstring(''))));
      // A malformed Sync is answered by its own ReadyForQuery, the good one behind it by another.
      await a.segment(message('S', bytes(1, 2, 3)));
      await a.ready();
      await a.send(message('Q', bytes('SELECT 1')));
      await a.ready();
      await a.send(message('Q', bytes(cstring('SELECT 1'), cstring('SELECT 2'))));
      await a.ready();
      await a.query('SELECT 1');
    },
  },
  {
    name: 'limit-bind-with-trailing-or-negative-lengths',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('', 'SELECT $1::text'));
      await a.segment(
        message('B', bytes(cstring(''), cstring(''), int16(0), int16(1), int32(-2), int16(0))),
        execute(),
      );
      await a.segment(
        message('B', bytes(cstring(''), cstring(''), int16(0), int16(1), int32(500), 'short', int16(0))),
        execute(),
      );
      await a.segment(
        message('B', bytes(cstring(''), cstring(''), int16(0), int16(1), int32(1), 'x', int16(0), 'trailing')),
        execute(),
      );
    },
  },
  {
    name: 'limit-many-parameters',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      const most = 65_535;
      await a.segment(parse('', 'SELECT $65535::int'), describeStatement());
      await a.segment(parse('', 'SELECT $65536::int'));
      const texts = Array.from({ length: most }, () => 25);
      await a.segment(parse('', `SELECT $1 || $${most}`, texts), describeStatement());
      await a.segment(bind({ values: Array.from({ length: most }, (_, index) => String(index)) }), execute());
      await a.segment(bind({ values: ['x'] }), execute());
    },
  },
  {
    name: 'limit-many-columns',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      const columns = (count: number) =>
        Array.from({ length: count }, (_, index) => `${index} AS c${index}`).join(', ');
      await a.query(`SELECT ${columns(1600)}`);
      await a.segment(extended(`SELECT ${columns(1664)}`));
      await a.query(`SELECT ${columns(1665)}`);
    },
  },
  {
    name: 'limit-long-statement-names',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      const long = 'n'.repeat(9_900);
      await a.segment(parse(long, `SELECT 'long'`), describeStatement(long), bind({ statement: long }), execute());
      await a.segment(parse(`${long}m`, `SELECT 'other'`));
      await a.segment(bind({ statement: long, portal: long }), execute(long));
      await a.segment(parse(long, 'SELECT 1'));
      await a.segment(closeStatement(long), bind({ statement: long }));
      const longer = 'x'.repeat(20_000);
      await a.segment(parse(longer, `SELECT 'longer'`), bind({ statement: longer }), execute());
    },
  },
  {
    name: 'limit-identifier-longer-than-63-in-sql-prepare',
    section: '2.12',
    async run({ open }) {
      const a = await open('A');
      const long = 'p'.repeat(70);
      await a.query(`PREPARE ${long} AS SELECT 'truncated'`);
      await a.query(`EXECUTE ${long}`);
      await a.query(`EXECUTE ${long.slice(0, 63)}`);
      await a.segment(bind({ statement: long }), execute());
      await a.segment(bind({ statement: long.slice(0, 63) }), execute());
    },
  },
  {
    name: 'limit-invalid-text',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.send(message('Q', bytes(`SELECT '`, 0xff, 0xfe, `'`, 0)));
      await a.ready();
      await a.segment(parse('', 'SELECT $1::text'), bind({ values: [Uint8Array.of(0x61, 0, 0x62)] }), execute());
      await a.segment(parse('', 'SELECT $1::text'), bind({ values: [Uint8Array.of(0xc3)] }), execute());
      await a.segment(message('P', bytes(0x80, 0, cstring('SELECT 1'), int16(0))));
      await a.query(`SELECT 'ünïcödé 🐘'`);
    },
  },
  {
    name: 'limit-large-bind',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      const large = 'v'.repeat(3_000_000);
      await a.segment(parse('s1', 'SELECT length($1::text), md5($2::text)'));
      await a.segment(bind({ statement: 's1', values: [large, large] }), execute());
      await a.segment(bind({ statement: 's1', values: [large, null] }), execute());
    },
  },
  {
    name: 'limit-stray-password-message',
    section: '2.16',
    async run({ open }) {
      const a = await open('A');
      await a.send(message('p', cstring('late')));
      await a.closed();
    },
  },
  {
    name: 'limit-deep-pipeline',
    section: '2.4',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT $1::int'));
      const turns = Array.from({ length: 400 }, (_, index) => [
        bind({ statement: 's1', values: [String(index)] }),
        execute(),
        sync(),
      ]);
      await a.send(bytes(...turns.flat()));
      await a.ready(400);
      await a.send(bytes(...Array.from({ length: 200 }, () => query('SELECT 1'))));
      await a.ready(200);
    },
  },
];
