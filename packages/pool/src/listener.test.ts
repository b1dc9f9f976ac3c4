import {
  concatBytes,
  encodeCommandComplete,
  encodeDataRow,
  encodeNotificationResponse,
  encodeQuery,
  encodeReadyForQuery,
  encodeText,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import {
  type Answer,
  type AnsweringServer,
  answering,
  createTestEngine,
  settle,
  type TestCaller,
  type TestEngine,
} from './engine.fixture.ts';
import type { EngineLimits } from './limits.ts';

/** Says that the session listens on c, when asked. */
const listensOnC: Answer = (sql) =>
  sql.includes('pg_listening_channels')
    ? concatBytes([encodeDataRow(['l', 'c', ''].map((cell) => encodeText(cell))), encodeCommandComplete('SELECT 1')])
    : undefined;

/** A BEGIN is not answered. */
async function createListening(
  limits: Partial<EngineLimits> = {},
): Promise<TestEngine & { caller: TestCaller; server: AnsweringServer; listener: AnsweringServer }> {
  const engine = createTestEngine({ limits });
  const caller = await engine.open();
  const server = await answering(engine.postgres, (sql) => (sql === 'BEGIN' ? null : listensOnC(sql)));
  await caller.send(encodeQuery('LISTEN c'));
  const listener = await answering(engine.postgres);
  await settle();
  return { ...engine, caller, server, listener };
}

test('LISTEN is answered once notifications would arrive', async () => {
  const engine = createTestEngine();
  const caller = await engine.open();
  await answering(engine.postgres, listensOnC);
  await caller.send(encodeQuery('LISTEN c'));
  expect(caller.heard()).toEqual(['CommandComplete SELECT 0']);
  const listener = await answering(engine.postgres);
  await settle();
  expect(listener.asked()).toEqual(['Query LISTEN "c"']);
  expect(caller.heard()).toEqual(['ReadyForQuery I']);
});

test('UNLISTEN is answered once nothing more would arrive', async () => {
  const engine = createTestEngine();
  const caller = await engine.open();
  let isListening = true;
  await answering(engine.postgres, (sql) => (isListening ? listensOnC(sql) : undefined));
  await caller.send(encodeQuery('LISTEN c'));
  const listener = await answering(engine.postgres, (sql) => (sql.startsWith('UNLISTEN') ? null : undefined));
  await settle();
  caller.heard();
  isListening = false;
  await caller.send(encodeQuery('UNLISTEN c'));
  expect(listener.asked()).toEqual(['Query LISTEN "c"', 'Query UNLISTEN "c"']);
  expect(caller.heard()).toEqual(['CommandComplete SELECT 0']);
  listener.connection.send(encodeCommandComplete('UNLISTEN'), encodeReadyForQuery('I'));
  await settle();
  expect(caller.heard()).toEqual(['ReadyForQuery I']);
});

test.each(['after', 'before'])(
  'a session’s own notification is told once, if the listener’s comes %s its own connection’s',
  async (when) => {
    const { caller, listener, server } = await createListening();
    const own = encodeNotificationResponse(1, 'c', '');
    await caller.send(encodeQuery('BEGIN'));
    caller.heard();
    if (when === 'before') listener.connection.send(own);
    await settle();
    server.connection.send(encodeCommandComplete('BEGIN'), own, encodeReadyForQuery('I'));
    await settle();
    if (when === 'after') listener.connection.send(own);
    await settle();
    expect(caller.heard()).toEqual(['CommandComplete BEGIN', 'NotificationResponse', 'ReadyForQuery I']);
    // Another one is another.
    listener.connection.send(own);
    await settle();
    expect(caller.heard()).toEqual(['NotificationResponse']);
  },
);

describe('notifications that are not read', () => {
  const limits = { maxNotificationBytes: 1_000_000, maxCallerBacklogBytes: 50_000 };
  const limitReached = 'FATAL 53400 more than 1000000 bytes wait for a caller that listens';
  const largeOf = (processId: number): Uint8Array => encodeNotificationResponse(processId, 'c', 'x'.repeat(7_000));

  test.each([
    ['in a transaction', 'T'],
    ['by a caller that does not read', 'I'],
  ] as const)('%s wait up to a limit', async (_, status) => {
    const { caller, listener, server } = await createListening(limits);
    await caller.send(encodeQuery('BEGIN'));
    server.connection.send(encodeCommandComplete('BEGIN'), encodeReadyForQuery(status));
    await settle();
    if (status === 'I') caller.pause();
    caller.heard();
    for (let i = 0; i < 140; i++) listener.connection.send(largeOf(77));
    await settle();
    expect(caller.isClosed).toBe(false);
    for (let i = 0; i < 20; i++) listener.connection.send(largeOf(77));
    await settle();
    await caller.resume();
    expect(caller.heard().at(-1)).toContain(limitReached);
    expect(caller.isClosed).toBe(true);
  });

  test('of the session’s own are not read on from Postgres', async () => {
    const { caller, server } = await createListening(limits);
    await caller.send(encodeQuery('BEGIN'));
    caller.heard();
    caller.pause();
    for (let i = 0; i < 100; i++) {
      server.connection.send(largeOf(1));
      await settle();
    }
    server.connection.send(encodeCommandComplete('BEGIN'), encodeReadyForQuery('I'));
    expect(server.connection.stream.bufferedBytes).toBeGreaterThan(500_000);
    await caller.resume();
    const heard = caller.heard();
    expect(heard.filter((line) => line === 'NotificationResponse')).toHaveLength(100);
    expect(heard.at(-1)).toBe('ReadyForQuery I');
  });
});

describe('where no connection can be had to listen on', () => {
  async function createAlone(answer: Answer = listensOnC) {
    let dials = 0;
    const engine = createTestEngine({
      limits: { poolSize: 2 },
      dial: (real) => (target) => (dials++ === 0 ? real(target) : Promise.reject(new Error('no more of them'))),
    });
    const caller = await engine.open();
    const server = await answering(engine.postgres, answer);
    return { ...engine, caller, server };
  }

  test('the session listens on its own, which it keeps', async () => {
    const { caller, server, pass, engine } = await createAlone();
    await caller.send(encodeQuery('LISTEN c'));
    await pass(4_900);
    expect(caller.heard()).toEqual(['CommandComplete SELECT 0']);
    await pass(200);
    expect(caller.heard()).toEqual(['ReadyForQuery I']);
    expect(engine.stats().pools).toMatchObject([{ leased: 0, pins: [{ reasons: ['LISTEN'] }] }]);
    server.connection.send(encodeNotificationResponse(99, 'c', 'payload'));
    await settle();
    expect(caller.heard()).toEqual(['NotificationResponse']);
    await caller.send(encodeQuery('UNLISTEN c'));
    expect(caller.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
    await caller.vanish();
    expect(engine.stats().pools).toMatchObject([{ pinned: 0, idle: 0 }]);
  });

  test('it takes one if it has none any more', async () => {
    const { caller, server, pass, engine } = await createAlone();
    await caller.send(encodeQuery('SELECT listens_on_c()'));
    expect(caller.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
    await caller.send(encodeQuery('SELECT 1'));
    expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
    await pass(5_100);
    expect(engine.stats().pools).toMatchObject([{ leased: 0, pins: [{ reasons: ['LISTEN'] }] }]);
    caller.heard();
    server.connection.send(encodeNotificationResponse(99, 'c', 'payload'));
    await settle();
    expect(caller.heard()).toEqual(['NotificationResponse']);
  });
});

test('one connection listens for the pool; who does not listen hears nothing', async () => {
  const { caller, listener, open } = await createListening();
  caller.heard();
  const other = await open();
  listener.connection.send(encodeNotificationResponse(99, 'c', 'payload'), encodeNotificationResponse(99, 'd', 'x'));
  await settle();
  expect(caller.heard()).toEqual(['NotificationResponse']);
  expect(other.heard()).toEqual([]);
});

test('after a loss the channels are listened on again, and listeners are warned of the gap', async () => {
  const { caller, listener, postgres, pass } = await createListening();
  caller.heard();
  listener.connection.stream.destroy();
  await settle();
  const again = await answering(postgres);
  await pass(1_000);
  expect(again.asked()).toEqual(['Query LISTEN "c"']);
  expect(caller.heard()).toEqual(['NoticeResponse']);
  again.connection.send(encodeNotificationResponse(99, 'c', 'payload'));
  await settle();
  expect(caller.heard()).toEqual(['NotificationResponse']);
});

test('when nobody listens any more the connection is given back', async () => {
  const { caller, listener, pass, engine } = await createListening();
  listener.asked();
  await caller.vanish();
  expect(listener.asked()).toEqual(['Query UNLISTEN "c"']);
  await pass(10_000);
  expect(listener.asked()).toEqual(['X']);
  expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
});

test('a connection that comes too late to listen is closed', async () => {
  const { engine, postgres, open, pass } = createTestEngine();
  const caller = await open();
  await answering(postgres, listensOnC);
  await caller.send(encodeQuery('LISTEN c'));
  const late = await postgres.nextConnection();
  const closed = engine.close(0);
  await pass(100);
  await closed;
  await late.accept();
  await late.closed;
});
