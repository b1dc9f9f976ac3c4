import {
  encodeCommandComplete,
  encodeNotificationResponse,
  encodeParameterStatus,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { type Answer, answering, createTestEngine, settle, type TestEngine, target } from './engine.fixture.ts';

const slow = 'SELECT pg_sleep(1)';
const silentWhenSlow: Answer = (sql) => (sql.includes('pg_sleep') ? null : undefined);
/** So that waiting is waiting. */
const alone = { multiplexing: false } as const;

function networkError(): Error {
  return Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
}

describe('waiting', () => {
  test('is first in, first out', async () => {
    const { postgres, open } = createTestEngine({ limits: alone });
    const first = await open();
    const server = await answering(postgres, silentWhenSlow);
    await first.send(encodeQuery(slow));
    const callers = [await open(), await open(), await open()];
    for (const [i, caller] of callers.entries()) await caller.send(encodeQuery(`SELECT ${i}`));
    expect(callers.flatMap((caller) => caller.heard())).toEqual([]);
    await first.vanish();
    // The abandoned query is cancelled, then rolled back: script both.
    (await postgres.nextConnection()).stream.destroy();
    expect(server.asked()[0]).toBe(`Query ${slow}`);
    server.connection.stream.destroy();
    const next = await answering(postgres);
    await settle();
    expect(next.asked().filter((line) => line.startsWith('Query SELECT'))).toEqual([
      'Query SELECT 0',
      'Query SELECT 1',
      'Query SELECT 2',
    ]);
    for (const caller of callers) expect(caller.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('too long ends with an error that names limit, wait and size; the session goes on', async () => {
    const { postgres, open, pass, engine } = createTestEngine({ limits: alone });
    const first = await open();
    await answering(postgres, silentWhenSlow);
    await first.send(encodeQuery(slow));
    const second = await open({ settings: { poolTimeoutMs: 2_000 } });
    await second.send(encodeQuery('SELECT 1'));
    await pass(1_900);
    expect(second.heard()).toEqual([]);
    await pass(200);
    expect(second.heard()).toEqual([
      'ERROR 53300 timed out waiting for a connection from the pool (pool_timeout 2 s, waited 2.0 s; ' +
        'pool size 1, 1 in use, 0 pinned, 1 waiting)',
      'ReadyForQuery I',
    ]);
    expect(second.isClosed).toBe(false);
    expect(engine.stats().pools).toMatchObject([{ waiting: 0 }]);
  });

  test('for a connection_limit of its own ends with an error that names that', async () => {
    const { postgres, open, pass } = createTestEngine({ limits: { ...alone, poolSize: 2 } });
    const limited = { settings: { connectionLimit: 1, poolTimeoutMs: 1_000 } };
    const first = await open(limited);
    await answering(postgres, silentWhenSlow);
    await first.send(encodeQuery(slow));
    const second = await open(limited);
    await second.send(encodeQuery('SELECT 1'));
    await pass(1_100);
    expect(second.heard()).toEqual([
      'ERROR 53300 timed out waiting for a connection from the pool (pool_timeout 1 s, waited 1.0 s; ' +
        'connection_limit of this caller 1, 1 in use)',
      'ReadyForQuery I',
    ]);
  });

  test('fails a segment of several messages once, and skips to its Sync', async () => {
    const { postgres, open, pass } = createTestEngine({ limits: alone });
    const first = await open();
    await answering(postgres, silentWhenSlow);
    await first.send(encodeQuery(slow));
    const second = await open({ settings: { poolTimeoutMs: 1_000 } });
    await second.send(encodeParse('', 'SELECT 1'), encodeParse('', 'SELECT 2'));
    await pass(1_200);
    expect(second.heard()).toHaveLength(1);
    await second.send(encodeSync());
    expect(second.heard()).toEqual(['ReadyForQuery I']);
  });

  test('a pool_timeout of 0 is no limit', async () => {
    const { postgres, open, pass } = createTestEngine({ limits: alone });
    const first = await open();
    await answering(postgres, silentWhenSlow);
    await first.send(encodeQuery(slow));
    const second = await open({ settings: { poolTimeoutMs: 0 } });
    await second.send(encodeQuery('SELECT 1'));
    await pass(60_000);
    expect(second.heard()).toEqual([]);
  });

  test('for a connection_limit of its own does not keep others from an idle connection', async () => {
    const { postgres, open, engine } = createTestEngine({ limits: { ...alone, poolSize: 2 } });
    const limited = { settings: { connectionLimit: 1 } };
    const busy = await open(limited);
    const first = await answering(postgres, silentWhenSlow);
    await busy.send(encodeQuery(slow));
    const other = await open();
    await other.send(encodeQuery('SELECT 1'));
    const second = await answering(postgres);
    await settle();
    second.asked();
    const waiting = await open(limited);
    await waiting.send(encodeQuery('SELECT 2'));
    expect(engine.stats().pools).toMatchObject([{ idle: 1, leased: 1, waiting: 1 }]);
    await other.send(encodeQuery('SELECT 3'));
    expect(second.asked()).toEqual(['Query SELECT 3']);
    expect(waiting.heard()).toEqual([]);
    await busy.vanish();
    first.connection.stream.destroy();
    await settle();
    expect(waiting.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });
});

describe('a Postgres that is away', () => {
  function createOutage(): TestEngine & { isAway: boolean } {
    const state = { isAway: true };
    const engine = createTestEngine({
      limits: alone,
      dial: (real) => (target) => (state.isAway ? Promise.reject(networkError()) : real(target)),
    });
    return Object.assign(state, engine);
  }

  test('is waited for within connect_timeout; then the error says what went wrong', async () => {
    const { open, pass, events } = createOutage();
    const caller = await open({ settings: { connectTimeoutMs: 3_000, poolTimeoutMs: 60_000 } });
    await caller.send(encodeQuery('SELECT 1'));
    await pass(2_900);
    expect(caller.heard()).toEqual([]);
    await pass(300);
    expect(caller.heard()).toEqual([
      'FATAL 08001 cannot reach the database server (tried for 3.0 s; last error: connect ECONNREFUSED 127.0.0.1:5432)',
    ]);
    expect(caller.isClosed).toBe(true);
    expect(events.filter(({ event }) => event === 'server_connect_failed')).toHaveLength(1);
  });

  test('comes back: everybody who waited is served, in order', async () => {
    const outage = createOutage();
    const { postgres, open, pass } = outage;
    const callers = [await open(), await open(), await open()];
    for (const [i, caller] of callers.entries()) await caller.send(encodeQuery(`SELECT ${i}`));
    await pass(2_000);
    outage.isAway = false;
    await pass(1_000);
    const server = await answering(postgres);
    await settle();
    expect(server.asked()).toEqual(['Query SELECT 0', 'Query SELECT 1', 'Query SELECT 2']);
    for (const caller of callers) expect(caller.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('the time it was away does not count as waiting for the pool', async () => {
    const outage = createOutage();
    const { postgres, open, pass } = outage;
    const timeouts = { settings: { poolTimeoutMs: 2_500, connectTimeoutMs: 10_000 } };
    const first = await open(timeouts);
    const second = await open(timeouts);
    await first.send(encodeQuery(slow));
    await second.send(encodeQuery('SELECT 2'));
    await pass(3_000);
    outage.isAway = false;
    await pass(1_000);
    await answering(postgres, silentWhenSlow);
    await pass(2_000);
    expect(second.heard()).toEqual([]);
    await pass(700);
    expect(second.heard()[0]).toContain('pool_timeout 2.5 s, waited 2.5 s');
  });
});

describe('a server connection whose answers are not those expected', () => {
  test.each([
    ['an answer nobody asked for', encodeParse('', '').fill(0x31, 0, 1), 'unexpected message 1 of Postgres'],
    ['a message without end', Uint8Array.of(0x43, 0, 0, 0, 0), 'message C of Postgres has length 0'],
    ['a malformed parameter', Uint8Array.of(0x53, 0, 0, 0, 5, 65), 'malformed ParameterStatus message'],
  ])('%s: it is closed, counted, and its user told', async (_, bytes, fault) => {
    const { postgres, open, engine, events } = createTestEngine();
    const caller = await open();
    const server = await answering(postgres, () => null);
    await caller.send(encodeQuery('SELECT 1'));
    server.connection.send(bytes);
    await settle();
    expect(caller.heard()).toEqual(['FATAL 08006 the server connection was lost while it was in use']);
    expect(caller.isClosed).toBe(true);
    expect(engine.stats().pools).toMatchObject([{ faults: 1, leased: 0, idle: 0 }]);
    const { error } = events.find(({ event }) => event === 'server_connection_fault')!;
    expect(error).toContain(fault);
    // And the next caller gets another one.
    const next = await open();
    await next.send(encodeQuery('SELECT 2'));
    await answering(postgres);
    await settle();
    expect(next.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  });

  test('an idle one is closed too, and nobody hears of it', async () => {
    const { postgres, open, engine } = createTestEngine();
    const caller = await open();
    const server = await answering(postgres);
    await caller.send(encodeQuery('SELECT 1'));
    caller.heard();
    server.connection.send(encodeParse('', '').fill(0x31, 0, 1));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ faults: 1, idle: 0 }]);
    expect(caller.heard()).toEqual([]);
    expect(caller.isClosed).toBe(false);
  });

  test('what may come at any time is no fault', async () => {
    const { postgres, open, engine } = createTestEngine();
    const caller = await open();
    const server = await answering(postgres);
    await caller.send(encodeQuery('SELECT 1'));
    caller.heard();
    server.connection.send(encodeParameterStatus('TimeZone', 'Mars'), encodeNotificationResponse(9, 'c', 'p'));
    await settle();
    expect(engine.stats().pools).toMatchObject([{ faults: 0, idle: 1 }]);
    await caller.send(encodeQuery('SELECT 1'));
    expect(caller.heard()).toEqual(['CommandComplete SELECT 0', 'ParameterStatus', 'ReadyForQuery I']);
  });
});

test('thousands who wait for their first connection are served without a word from them', async () => {
  const { postgres, open } = createTestEngine({ limits: alone });
  const callers = await Promise.all(Array.from({ length: 5_000 }, () => open({ greeting: true })));
  await answering(postgres);
  await settle();
  expect(callers.every((caller) => caller.heard().at(-1) === 'ReadyForQuery I')).toBe(true);
});

test('an idle connection is closed after its time, and a pool without any is dropped', async () => {
  const { postgres, open, engine, pass, clock } = createTestEngine({ limits: { serverIdleTimeoutMs: 30_000 } });
  const caller = await open();
  const server = await answering(postgres);
  await caller.send(encodeQuery('SELECT 1'));
  await caller.vanish();
  await pass(29_000);
  expect(server.asked()).not.toContain('X');
  await pass(7_000);
  expect(server.asked()).toEqual(['X']);
  expect(engine.stats().pools).toEqual([]);
  await pass(6_000);
  expect(clock.pendingTimers).toBe(0);
});

test('a connection at work when another database is to be dropped is closed when it is done', async () => {
  const { postgres, open } = createTestEngine();
  const worker = await open();
  const server = await answering(postgres, silentWhenSlow);
  await worker.send(encodeQuery(slow));
  const admin = await open({ target: { ...target, database: 'other' } });
  await answering(postgres);
  await admin.send(encodeQuery('DROP DATABASE d'));
  server.connection.send(encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I'));
  await settle();
  expect(worker.heard()).toEqual(['CommandComplete SELECT 1', 'ReadyForQuery I']);
  expect(server.asked().at(-1)).toBe('X');
});
