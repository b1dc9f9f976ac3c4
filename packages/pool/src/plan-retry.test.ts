import {
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import {
  type AnsweringServer,
  answering,
  createTestEngine,
  failure,
  type TestCaller,
  type TestEngine,
} from './engine.fixture.ts';

const stalePlan = failure('0A000', 'cached plan must not change result type', 'RevalidateCachedQuery');
const bindAndRun = [encodeBind({ statement: 's' }), encodeExecute(), encodeSync()];

/** A caller with a prepared statement whose plan is stale for as many executions as told. */
async function withStalePlan(times: number): Promise<TestEngine & { a: TestCaller; server: AnsweringServer }> {
  const engine = createTestEngine();
  const a = await engine.open();
  let left = times;
  const server = await answering(engine.postgres, () => (left-- > 0 ? stalePlan : undefined));
  await a.send(encodeParse('s', 'SELECT * FROM t'), encodeSync());
  server.asked();
  a.heard();
  return { ...engine, a, server };
}

describe('cached plan must not change result type', () => {
  test('outside a transaction: the segment is repeated with a fresh statement, and the caller sees nothing of it', async () => {
    const { a, server } = await withStalePlan(1);
    await a.send(...bindAndRun);
    expect(server.asked()).toEqual([
      'Bind _postern_1',
      'Execute',
      'Sync',
      'Close',
      'Parse _postern_1_1 SELECT * FROM t',
      'Bind _postern_1_1',
      'Execute',
      'Sync',
    ]);
    expect(a.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('once: a second time it is the caller’s', async () => {
    const { a, server } = await withStalePlan(2);
    await a.send(...bindAndRun);
    expect(server.asked().filter((line) => line === 'Execute')).toHaveLength(2);
    expect(a.heard()).toEqual([
      'BindComplete',
      'ERROR 0A000 cached plan must not change result type',
      'ReadyForQuery I',
    ]);
  });

  test('the answers given before the failure are not given again', async () => {
    const { a } = await withStalePlan(1);
    await a.send(encodeDescribe('S', 's'), ...bindAndRun);
    expect(a.heard()).toEqual(['NoData', 'BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('a caller that asks for its answer with Flush gets it', async () => {
    const { a, server } = await withStalePlan(1);
    await a.send(encodeBind({ statement: 's' }), encodeExecute(), encodeFlush());
    expect(server.asked()).toEqual([
      'Bind _postern_1',
      'Execute',
      // The failure made the Flush void.
      'Sync',
      'Close',
      'Parse _postern_1_1 SELECT * FROM t',
      'Bind _postern_1_1',
      'Execute',
      'H',
    ]);
    expect(a.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0']);
    await a.send(encodeSync());
    expect(a.heard()).toEqual(['ReadyForQuery I']);
  });

  test('a Flush that comes behind the failure does the same', async () => {
    const { a } = await withStalePlan(1);
    await a.send(encodeBind({ statement: 's' }), encodeExecute());
    expect(a.heard()).toEqual(['BindComplete']);
    await a.send(encodeFlush());
    expect(a.heard()).toEqual(['CommandComplete SELECT 0']);
    await a.send(...bindAndRun);
    expect(a.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('a segment that names a new statement twice ends', async () => {
    const { a } = await withStalePlan(1);
    const twice = encodeParse('new', 'SELECT 2');
    await a.send(encodeBind({ statement: 's' }), encodeExecute(), twice, twice, encodeSync());
    expect(a.heard().at(-1)).toBe('ReadyForQuery I');
  });

  test('behind something that has run nothing is repeated', async () => {
    const { a, server } = await withStalePlan(0);
    await a.send(encodeParse('other', 'INSERT INTO t VALUES (1)'), encodeSync());
    server.asked();
    a.heard();
    const engine = createTestEngine();
    const b = await engine.open();
    const strict = await answering(engine.postgres, (sql) => (sql === 'SELECT * FROM t' ? stalePlan : undefined));
    await b.send(encodeParse('s', 'SELECT * FROM t'), encodeParse('w', 'INSERT INTO t VALUES (1)'), encodeSync());
    strict.asked();
    await b.send(encodeBind({ statement: 'w' }), encodeExecute(), ...bindAndRun);
    expect(strict.asked().filter((line) => line === 'Bind _postern_2')).toHaveLength(1);
    expect(b.heard().at(-2)).toBe('ERROR 0A000 cached plan must not change result type');
  });

  test('in a transaction: the error is the caller’s', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open();
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeParse('s', 'SELECT * FROM t'), encodeSync());
    connection.send(Uint8Array.of(0x31, 0, 0, 0, 4), encodeReadyForQuery('I'));
    await a.send(encodeQuery('BEGIN'));
    connection.send(Uint8Array.of(0x43, 0, 0, 0, 10, 66, 69, 71, 73, 78, 0), encodeReadyForQuery('T'));
    await a.send(...bindAndRun);
    connection.send(Uint8Array.of(0x32, 0, 0, 0, 4), stalePlan, encodeReadyForQuery('E'));
    await a.send();
    expect(a.heard().slice(-2)).toEqual(['ERROR 0A000 cached plan must not change result type', 'ReadyForQuery E']);
    expect(connection.pending()).toBe('PSQBES');
  });
});
