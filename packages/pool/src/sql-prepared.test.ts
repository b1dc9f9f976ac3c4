import {
  concatBytes,
  encodeBind,
  encodeCommandComplete,
  encodeDataRow,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
  encodeText,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { type Answer, answering, createTestEngine, failure } from './engine.fixture.ts';
import { resetSql } from './label.ts';

const done = encodeCommandComplete('SELECT 1');

/** Says that every statement asked about takes one int4. */
const oneInteger: Answer = (sql) => {
  const asked = /pg_prepared_statements WHERE name IN \('(\w+)'\)/.exec(sql)?.[1];
  if (asked === undefined) return undefined;
  return concatBytes([encodeDataRow([encodeText(asked), encodeText('{23}')]), done]);
};

/** What was sent for the caller: neither resets nor what Postgres was asked about the session. */
const forCaller = (lines: readonly string[]): string[] =>
  lines.filter((line) => !/pg_prepared_statements|pg_listening_channels|UNLISTEN/.test(line));

describe('PREPARE, EXECUTE and DEALLOCATE', () => {
  test('use names of ours, and follow their session to a connection that lacks them', async () => {
    const { postgres, open } = createTestEngine({ limits: { poolSize: 2, multiplexing: false } });
    const a = await open();
    const slow: Answer = (sql) => (sql === 'SELECT pg_sleep(1)' ? null : oneInteger(sql));
    const first = await answering(postgres, slow);
    await a.send(encodeQuery('PREPARE mine AS SELECT $1 + 1'));
    expect(forCaller(first.asked())).toEqual(['Query PREPARE "_postern_1" AS SELECT $1 + 1']);
    await a.send(encodeQuery('EXECUTE mine(1)'));
    expect(forCaller(first.asked())).toEqual(['Query EXECUTE "_postern_1"(1)']);
    const b = await open();
    await b.send(encodeQuery('SELECT pg_sleep(1)'));
    await a.send(encodeQuery('EXECUTE mine(2)'));
    const second = await answering(postgres, oneInteger);
    await a.send();
    // In front, in a segment of its own that nobody hears of.
    expect(forCaller(second.asked())).toEqual([
      'Parse _postern_1 SELECT $1 + 1',
      'Sync',
      'Query EXECUTE "_postern_1"(2)',
    ]);
  });

  test('one name space with the protocol’s', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, oneInteger);
    await a.send(encodeParse('s', 'SELECT 1'), encodeSync());
    server.asked();
    await a.send(encodeQuery('EXECUTE s'), encodeQuery('DEALLOCATE s'), encodeQuery('EXECUTE s'));
    expect(forCaller(server.asked())).toEqual([
      'Query EXECUTE "_postern_1"',
      'Query DEALLOCATE "_postern_1"',
      'Query EXECUTE "s"',
    ]);
  });

  test('a name that was not given because the statement failed is not known', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, (sql) =>
      sql.startsWith('PREPARE') ? failure('42P01', 'relation "t" does not exist') : undefined,
    );
    await a.send(encodeQuery('PREPARE mine AS SELECT * FROM t'), encodeQuery('EXECUTE mine'));
    expect(forCaller(server.asked()).at(-1)).toBe('Query EXECUTE "mine"');
  });

  test('a portal of any name, and none at all, may hold them', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres, oneInteger);
    const portal = 'p'.repeat(100);
    await a.send(
      encodeParse('', 'PREPARE mine AS SELECT $1 + 1'),
      encodeBind({ portal }),
      encodeExecute(portal),
      encodeSync(),
      encodeQuery('EXECUTE mine(1)'),
    );
    expect(forCaller(server.asked()).at(-1)).toBe('Query EXECUTE "_postern_1"(1)');
    // Waits for the PREPARE, so all behind it is held: an Execute whose portal has no end, and much else without a zero.
    const endless = new Uint8Array(250_000).fill(0x78);
    endless.set([0x45, 0, 0, 0x10, 0]);
    await a.send(
      encodeParse('', 'PREPARE other AS SELECT $1 + 1'),
      encodeBind({}),
      encodeExecute(''),
      endless.subarray(0, 0x1001),
      endless.subarray(5),
    );
    expect(a.heard().at(-1)).toMatch(/^FATAL 08P01/);
  });

  test('errors about a name say the caller’s', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    await answering(postgres, (sql) =>
      sql.startsWith('EXECUTE') ? failure('42601', 'wrong number of parameters for "_postern_1"') : oneInteger(sql),
    );
    await a.send(encodeQuery('PREPARE mine AS SELECT $1 + 1'));
    a.heard();
    await a.send(encodeQuery('EXECUTE mine'));
    expect(a.heard()).toEqual(['ERROR 42601 wrong number of parameters for "mine"', 'ReadyForQuery I']);
  });
});

describe('what would take statements away from others', () => {
  test('DEALLOCATE ALL forgets the session’s names only', async () => {
    const { postgres, open } = createTestEngine();
    const [a, b] = [await open(), await open()];
    const given = encodeParse('s', 'SELECT 1');
    await a.send(given, encodeSync());
    const server = await answering(postgres);
    await b.send(given, encodeSync());
    for (const caller of [a, b]) caller.heard();
    server.asked();
    await a.send(encodeQuery('DEALLOCATE ALL'));
    expect(a.heard()).toEqual(['CommandComplete DEALLOCATE ALL', 'ReadyForQuery I']);
    expect(forCaller(server.asked())).toEqual(['Query SELECT WHERE false']);
    await a.send(encodeQuery('EXECUTE s'));
    await b.send(encodeQuery('EXECUTE s'));
    expect(forCaller(server.asked())).toEqual(['Query EXECUTE "s"', 'Query EXECUTE "_postern_1"']);
  });

  test('DISCARD ALL over the extended protocol takes all that the connection has', async () => {
    const { postgres, open } = createTestEngine();
    const [a, b] = [await open(), await open()];
    for (const caller of [a, b]) await caller.send(encodeParse('s', 'SELECT 1'), encodeSync());
    const server = await answering(postgres);
    await a.send(encodeParse('', 'DISCARD ALL'), encodeBind({}), encodeExecute(), encodeSync());
    server.asked();
    await b.send(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
    expect(forCaller(server.asked())).toEqual(['Parse _postern_1 SELECT 1', 'Bind _postern_1', 'Execute', 'Sync']);
    await a.send(encodeParse('s', 'SELECT 2'), encodeSync());
    expect(a.heard().slice(-2)).toEqual(['ParseComplete', 'ReadyForQuery I']);
  });

  test('DISCARD ALL is the reset of a pooled connection', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const server = await answering(postgres);
    await a.send(encodeQuery('DISCARD ALL'));
    expect(server.asked()[0]).toBe(`Query ${resetSql}`);
    expect(a.heard()).toEqual(['CommandComplete DISCARD ALL', 'ReadyForQuery I']);
  });
});
