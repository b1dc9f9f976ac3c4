import {
  concatBytes,
  encodeBind,
  encodeDataRow,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
  encodeText,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { type Answer, type AnsweringServer, answering, createTestEngine, type TestCaller } from './engine.fixture.ts';

const done = Uint8Array.of(0x43, 0, 0, 0, 8, 0x53, 0x45, 0x54, 0);
const date = "SELECT '01/02/2020'::date";
const bindAndRun = concatBytes([encodeBind({ statement: 's' }), encodeExecute(), encodeSync()]);

/** A Postgres, on however many connections, whose session has the DateStyle it was last told to set. */
function withDateStyle(): Answer {
  let isDmy = false;
  return (sql) => {
    if (/^SET DateStyle/.test(sql)) isDmy = sql.includes('DMY');
    if (!isDmy || !sql.includes('pg_listening_channels')) return undefined;
    return concatBytes([encodeDataRow(['s', 'DateStyle', 'ISO, DMY'].map((cell) => encodeText(cell))), done]);
  };
}

/** A session whose every lease is on a new connection; `play` sends on one and tells what arrived there for the session. */
async function onNewConnections(): Promise<{ a: TestCaller; play(...messages: Uint8Array[]): Promise<string[]> }> {
  const { postgres, open } = createTestEngine({ limits: { serverLifetimeMs: -1 } });
  const answer = withDateStyle();
  const a = await open();
  return {
    a,
    async play(...messages) {
      await a.send(...messages);
      const server: AnsweringServer = await answering(postgres, answer);
      await a.send();
      return server.asked().filter((line) => line !== 'X' && !/CLOSE ALL|pg_listening_channels/.test(line));
    },
  };
}

describe('the constants of a statement', () => {
  test('are read under the settings it was prepared with, on whatever connection', async () => {
    const { a, play } = await onNewConnections();
    await play(encodeQuery("SET DateStyle = 'DMY'"));
    await play(encodeParse('s', date), encodeSync());
    await play(encodeQuery("SET DateStyle = 'MDY'"));
    a.heard();
    // In front of the caller's segment, which runs under its own settings again.
    expect(await play(bindAndRun)).toEqual([
      "Query SELECT pg_catalog.set_config(E'DateStyle', E'ISO, DMY', false)",
      `Parse _postern_1 ${date}`,
      'Sync',
      'Query BEGIN ISOLATION LEVEL READ COMMITTED; RESET DateStyle; COMMIT',
      'Bind _postern_1',
      'Execute',
      'Sync',
    ]);
    expect(a.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('are read before settings change that matter to them', async () => {
    const { play } = await onNewConnections();
    await play(encodeParse('s', date), encodeSync());
    const change = "SET DateStyle = 'DMY'";
    expect(await play(encodeQuery(change))).toEqual([`Parse _postern_1 ${date}`, 'Sync', `Query ${change}`]);
    const other = "SET work_mem = '1MB'";
    await play(encodeQuery("SET DateStyle = 'MDY'"));
    expect(await play(encodeQuery(other))).toEqual([`Query ${other}`]);
  });

  test('are nobody else’s where it is not known how they would be read', async () => {
    const { play } = await onNewConnections();
    await play(encodeParse('s', date), encodeSync());
    const asked = await play(encodeQuery("BEGIN; SET LOCAL DateStyle = 'DMY'"), bindAndRun);
    // The statement itself was there before; what else is missing would be a copy of this session's own.
    expect(asked.filter((line) => line.startsWith('Parse'))).toEqual([`Parse _postern_1 ${date}`]);
    expect(asked.indexOf(`Parse _postern_1 ${date}`)).toBeLessThan(asked.findIndex((line) => line.includes('BEGIN')));
  });
});
