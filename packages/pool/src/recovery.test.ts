import type { ScriptedConnection } from '@postern/testkit';
import {
  encodeBind,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyInResponse,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { createTestEngine, failure, settle, type TestCaller, type TestEngine } from './engine.fixture.ts';

const cancelled = failure('57014', 'canceling statement due to user request');
const rolledBack = encodeCommandComplete('ROLLBACK');

/** A caller on the pool's only connection, which says what the test says. */
async function createLeased(): Promise<TestEngine & { caller: TestCaller; connection: ScriptedConnection }> {
  const engine = createTestEngine({ limits: { multiplexing: false, recoveryTimeoutMs: 1_000 } });
  const caller = await engine.open();
  const connection = await engine.postgres.nextConnection();
  await connection.accept();
  await settle();
  return { ...engine, caller, connection };
}

/** What has arrived, as letters; it is taken. */
async function take(connection: ScriptedConnection): Promise<string> {
  await settle();
  const letters = connection.pending();
  for (let i = 0; i < letters.length; i++) await connection.next();
  return letters;
}

describe('a caller that vanishes', () => {
  test('in an open transaction: it is rolled back, and the connection serves the next one', async () => {
    const { caller, connection, open, engine } = await createLeased();
    await caller.send(encodeQuery('BEGIN'));
    await take(connection);
    connection.send(encodeCommandComplete('BEGIN'), encodeReadyForQuery('T'));
    await settle();
    await caller.vanish();
    expect(engine.stats().pools).toMatchObject([{ recovering: 1, leased: 0 }]);
    // CopyFail ends a copy if there is one; else Postgres ignores it.
    expect(await take(connection)).toBe('fQS');
    connection.send(rolledBack, encodeReadyForQuery('I'), encodeReadyForQuery('I'));
    // What the session left is taken away at once.
    expect(await take(connection)).toBe('Q');
    connection.send(encodeReadyForQuery('I'));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ recovering: 0, idle: 1 }]);
    await (await open()).send(encodeQuery('SELECT 1'));
    // The reset has been: nothing needs to go in front.
    expect(await take(connection)).toBe('Q');
  });

  test('in the middle of a message: nothing could be said that is not taken for its rest, so the connection is closed', async () => {
    const { caller, connection, engine, postgres } = await createLeased();
    const bind = encodeBind({ parameters: [new Uint8Array(40_000).fill(0x31)] });
    await caller.send(encodeParse('', 'SELECT $1'), bind.subarray(0, 20_000));
    expect(await take(connection)).toBe('P');
    await caller.vanish();
    await connection.closed;
    expect(engine.stats().pools).toMatchObject([{ recovering: 0, leased: 0, idle: 0 }]);
    expect(postgres.connections).toHaveLength(1);
  });

  test('while its query runs: that is cancelled first, and what it says goes nowhere', async () => {
    const { caller, connection, engine, postgres } = await createLeased();
    await caller.send(encodeQuery('SELECT pg_sleep(100)'));
    await take(connection);
    await caller.vanish();
    const cancelling = await postgres.nextConnection();
    expect(await cancelling.startup()).toMatchObject({ kind: 'cancel', processId: 1 });
    expect(await take(connection)).toBe('f');
    connection.send(cancelled, encodeReadyForQuery('I'));
    await settle();
    // Not before the cancel is over: it could hit the ROLLBACK.
    expect(await take(connection)).toBe('');
    cancelling.stream.destroy();
    expect(await take(connection)).toBe('QS');
    connection.send(rolledBack, encodeReadyForQuery('I'), encodeReadyForQuery('I'));
    // What the session left is taken away at once.
    expect(await take(connection)).toBe('Q');
    connection.send(encodeReadyForQuery('I'));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ idle: 1, faults: 0 }]);
    expect(caller.heard()).toEqual([]);
  });

  test('with a pipeline that was never synced: no Sync of ours completes it', async () => {
    const { caller, connection, engine } = await createLeased();
    await caller.send(encodeParse('', 'DELETE FROM t'));
    expect(await take(connection)).toBe('P');
    connection.send(Uint8Array.of(0x31, 0, 0, 0, 4));
    await settle();
    await caller.vanish();
    // The ROLLBACK comes before the Sync.
    expect(await take(connection)).toBe('fQS');
    connection.send(rolledBack, encodeReadyForQuery('I'), encodeReadyForQuery('I'));
    // What the session left is taken away at once.
    expect(await take(connection)).toBe('Q');
    connection.send(encodeReadyForQuery('I'));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
  });

  test('in the middle of a copy: CopyFail ends it', async () => {
    const { caller, connection, engine, postgres } = await createLeased();
    await caller.send(encodeQuery('COPY t FROM STDIN'));
    await take(connection);
    connection.send(encodeCopyInResponse({ format: 'text', columnFormats: [0] }));
    await settle();
    await caller.vanish();
    expect(await take(connection)).toBe('f');
    (await postgres.nextConnection()).stream.destroy();
    await settle();
    connection.send(failure('57014', 'COPY from stdin failed'), encodeReadyForQuery('I'));
    expect(await take(connection)).toBe('QS');
    connection.send(rolledBack, encodeReadyForQuery('I'), encodeReadyForQuery('I'));
    // What the session left is taken away at once.
    expect(await take(connection)).toBe('Q');
    connection.send(encodeReadyForQuery('I'));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ idle: 1, faults: 0 }]);
  });

  test('before its copy has begun, and the cancel came too early: the Sync behind CopyFail is waited for', async () => {
    const { caller, connection, engine, postgres } = await createLeased();
    await caller.send(encodeQuery('COPY t FROM STDIN'));
    await take(connection);
    await caller.vanish();
    (await postgres.nextConnection()).stream.destroy();
    expect(await take(connection)).toBe('fQS');
    connection.send(
      encodeCopyInResponse({ format: 'text', columnFormats: [0] }),
      failure('57014', 'COPY from stdin failed'),
      encodeReadyForQuery('I'),
      rolledBack,
      encodeReadyForQuery('I'),
    );
    expect(await take(connection)).toBe('');
    connection.send(encodeReadyForQuery('I'));
    expect(await take(connection)).toBe('Q');
    connection.send(encodeReadyForQuery('I'));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ idle: 1, faults: 0 }]);
  });

  test('behind a copy with Syncs inside, before it has ended: the connection is closed', async () => {
    const { caller, connection, engine } = await createLeased();
    await caller.send(encodeQuery('COPY t FROM STDIN'));
    await take(connection);
    connection.send(encodeCopyInResponse({ format: 'text', columnFormats: [0] }));
    await settle();
    await caller.send(encodeCopyData(new Uint8Array(1)), encodeSync(), encodeCopyDone());
    expect(await take(connection)).toBe('dScH');
    await caller.vanish();
    await connection.closed;
    expect(engine.stats().pools).toMatchObject([{ recovering: 0, idle: 0 }]);
  });

  test('on a Postgres that does not come back in time: the connection is closed', async () => {
    const { caller, connection, engine, pass } = await createLeased();
    await caller.send(encodeQuery('BEGIN'));
    await take(connection);
    connection.send(encodeCommandComplete('BEGIN'), encodeReadyForQuery('T'));
    await settle();
    await caller.vanish();
    await pass(1_100);
    await connection.closed;
    expect(engine.stats().pools).toMatchObject([{ recovering: 0, idle: 0 }]);
  });
});

describe('a cancel', () => {
  test('of somebody who waits ends the waiting, and asks Postgres nothing', async () => {
    const { caller, open, engine, postgres } = await createLeased();
    await caller.send(encodeQuery('SELECT pg_sleep(1)'));
    const waiting = await open();
    await waiting.send(encodeQuery('SELECT 1'));
    await engine.cancel(waiting.session.processId, new Uint8Array(4));
    await settle();
    expect(waiting.heard()).toEqual(['ERROR 57014 canceling statement due to user request', 'ReadyForQuery I']);
    expect(postgres.connections).toHaveLength(1);
    expect(engine.stats().pools).toMatchObject([{ waiting: 0 }]);
  });

  test('of somebody who has nothing running, or with a wrong secret, does nothing', async () => {
    const { caller, engine, postgres, connection } = await createLeased();
    await engine.cancel(caller.session.processId, new Uint8Array(4));
    await caller.send(encodeQuery('SELECT pg_sleep(1)'));
    expect(await take(connection)).toBe('Q');
    await engine.cancel(caller.session.processId, Uint8Array.of(0, 0, 0, 1));
    expect(postgres.connections).toHaveLength(1);
  });

  test('keeps the connection from everybody else until it is over', async () => {
    const { caller, open, engine, postgres, connection } = await createLeased();
    await caller.send(encodeQuery('SELECT pg_sleep(1)'));
    await take(connection);
    const cancel = engine.cancel(caller.session.processId, new Uint8Array(4));
    const cancelling = await postgres.nextConnection();
    const next = await open();
    await next.send(encodeQuery('SELECT 2'));
    connection.send(encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I'));
    expect(await take(connection)).toBe('');
    expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1 }]);
    cancelling.stream.destroy();
    await cancel;
    expect(await take(connection)).toBe('Q');
  });
});
