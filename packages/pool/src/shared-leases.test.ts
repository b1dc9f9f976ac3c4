import type { ScriptedConnection } from '@postern/testkit';
import {
  concatBytes,
  encodeBind,
  encodeBindComplete,
  encodeCloseComplete,
  encodeCommandComplete,
  encodeDataRow,
  encodeDescribe,
  encodeExecute,
  encodeParameterDescription,
  encodeParse,
  encodeParseComplete,
  encodeQuery,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeSync,
  encodeText,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import {
  type Answer,
  type AnsweringServer,
  answering,
  createTestEngine,
  failure,
  settle,
  type TestCaller,
  type TestEngine,
} from './engine.fixture.ts';

const silent: Answer = () => null;
const answer = concatBytes([encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I')]);
const answered = ['CommandComplete SELECT 1', 'ReadyForQuery I'];

/** A pool of one whose connection is busy with the first caller's query; nothing is answered until the test says so. */
async function createBusy(first = 'SELECT 0'): Promise<TestEngine & { holder: TestCaller; server: AnsweringServer }> {
  const engine = createTestEngine();
  const holder = await engine.open();
  const server = await answering(engine.postgres, silent);
  await holder.send(encodeQuery(first));
  expect(server.asked()).toEqual([`Query ${first}`]);
  return { ...engine, holder, server };
}

/** The same, but nothing at all is answered by itself. `b` rides with a statement of its own. */
async function createMute(): Promise<
  TestEngine & Record<'holder' | 'b', TestCaller> & { connection: ScriptedConnection }
> {
  const engine = createTestEngine();
  const [holder, b] = [await engine.open(), await engine.open()];
  const connection = await engine.postgres.nextConnection();
  await connection.accept();
  await b.send(encodeParse('s', 'SELECT 1'), encodeSync());
  connection.send(encodeParseComplete(), encodeReadyForQuery('I'));
  await settle();
  b.heard();
  await holder.send(encodeQuery('SELECT 0'));
  await b.send(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
  return { ...engine, holder, b, connection };
}

const isClosed = (connection: ScriptedConnection): Promise<boolean> =>
  Promise.race([connection.closed.then(() => true), settle().then(() => false)]);

test('segments that leave no trace are sent behind one another, whole', async () => {
  const { open, postgres, engine } = createTestEngine();
  const holder = await open();
  const connection = await postgres.nextConnection();
  await connection.accept();
  await holder.send(encodeQuery('SELECT 0'));
  const [b, c] = [await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await c.send(encodeParse('', 'SELECT 2'), encodeBind({}), encodeExecute(), encodeSync());
  expect(connection.pending()).toBe('QQPBES');
  expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 0, opened: 1 }]);
});

test('answers go to whom they belong, in order, and the connection is free afterwards', async () => {
  const { open, holder, server, engine } = await createBusy();
  const [b, c] = [await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await c.send(encodeQuery('SELECT 2'));
  server.connection.send(answer);
  await settle();
  expect([holder.heard(), b.heard(), c.heard()]).toEqual([answered, [], []]);
  server.connection.send(answer, answer);
  await settle();
  expect([holder.heard(), b.heard(), c.heard()]).toEqual([[], answered, answered]);
  expect(engine.stats().pools).toMatchObject([{ leased: 0, idle: 1 }]);
});

test.each([
  ['a transaction', 'BEGIN'],
  ['a setting', 'SET work_mem = 1'],
  ['an unknown function', 'SELECT my_function()'],
  ['a sleep', 'SELECT pg_sleep(10)'],
  ['two statements', 'SELECT 1; SELECT 2'],
])('%s waits for a connection of its own', async (_, sql) => {
  const { open, server, engine } = await createBusy();
  const b = await open();
  await b.send(encodeQuery(sql));
  expect(server.asked()).toEqual([]);
  expect(engine.stats().pools).toMatchObject([{ waiting: 1 }]);
});

test('nobody joins a connection whose holder may leave something behind', async () => {
  const { open, server } = await createBusy('SELECT my_function()');
  const b = await open();
  await b.send(encodeQuery('SELECT 1'));
  expect(server.asked()).toEqual([]);
});

test('nobody joins a session of other settings', async () => {
  const { open, postgres, engine } = createTestEngine();
  const holder = await open();
  const row = encodeDataRow(['s', 'DateStyle', 'ISO, DMY'].map((cell) => encodeText(cell)));
  const server = await answering(postgres, (sql) => {
    if (sql === 'SELECT 0') return null;
    return sql.includes('pg_listening_channels') ? concatBytes([row, encodeCommandComplete('SELECT 1')]) : undefined;
  });
  await holder.send(encodeQuery("SET DateStyle = 'DMY'"));
  // So that the holder's settings come from a reset and the connection is clean.
  await (await open()).send(encodeQuery('SELECT 1'));
  await holder.send(encodeQuery('SELECT 0'));
  expect(server.asked().at(-2)).toContain("set_config(E'DateStyle'");
  await (await open()).send(encodeQuery('SELECT 1'));
  expect(server.asked()).toEqual([]);
  expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1 }]);
});

test('nobody joins a connection on which something unknown was left', async () => {
  const { open, postgres, engine } = createTestEngine();
  const holder = await open();
  const server = await answering(postgres, (sql) => (sql === 'SELECT 0' ? null : undefined));
  await holder.send(encodeQuery('SELECT my_function()'));
  // Its own connection needs no reset for it.
  await holder.send(encodeQuery('SELECT 0'));
  expect(server.asked().at(-1)).toBe('Query SELECT 0');
  await (await open()).send(encodeQuery('SELECT 1'));
  expect(server.asked()).toEqual([]);
  expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1 }]);
});

test('nobody joins a statement that has been running for a while', async () => {
  const { open, server, clock } = await createBusy();
  clock.advance(10);
  const b = await open();
  await b.send(encodeQuery('SELECT 1'));
  expect(server.asked()).toEqual([]);
});

test('first in, first out: whoever waits and cannot share stops the sharing', async () => {
  const { open, server, engine } = await createBusy();
  const [b, c, d] = [await open(), await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await c.send(encodeQuery('BEGIN'));
  await d.send(encodeQuery('SELECT 2'));
  expect(server.asked()).toEqual(['Query SELECT 1']);
  expect(engine.stats().pools).toMatchObject([{ waiting: 2 }]);
  server.connection.send(answer, answer);
  await settle();
  expect(server.asked()).toEqual(['Query BEGIN']);
});

test('only so many fellows: a slow statement delays no more', async () => {
  const { open, server, engine } = await createBusy();
  for (let i = 0; i < 12; i++) await (await open()).send(encodeQuery(`SELECT ${i}`));
  expect(server.asked()).toHaveLength(7);
  expect(engine.stats().pools).toMatchObject([{ waiting: 5 }]);
  server.connection.send(answer);
  await settle();
  expect(server.asked()).toEqual(['Query SELECT 7']);
});

test('a caller under a connection_limit neither shares nor is refused', async () => {
  const { postgres, open, engine } = createTestEngine({ limits: { poolSize: 2, maxServerConnections: 2 } });
  const holders = [await open(), await open()];
  for (const holder of holders) {
    await holder.send(encodeQuery('SELECT 0'));
    await answering(postgres, silent);
    await settle();
  }
  const limited = await open({ settings: { connectionLimit: 1 } });
  await limited.send(encodeQuery('SELECT 1'));
  expect(engine.stats().pools).toMatchObject([{ leased: 2, waiting: 1 }]);
});

// The secret of the fixture's callers is zeros.
const secret = new Uint8Array(4);
const cancelled = ['ERROR 57014 canceling statement due to user request', 'ReadyForQuery I'];

test('a rider cancelled before its turn is told so at once, the others get their answers, and the connection goes', async () => {
  const { open, holder, b, connection, engine, postgres } = await createMute();
  const c = await open();
  await c.send(encodeQuery('SELECT 2'));
  await engine.cancel(b.session.processId, secret);
  expect(b.heard()).toEqual(cancelled);
  expect(postgres.connections).toHaveLength(1);
  // What it has left there is not known: nobody else gets on.
  await (await open()).send(encodeQuery('SELECT 3'));
  expect(connection.pending()).toBe('PSQBESQ');
  const unwanted = concatBytes([encodeBindComplete(), answer]);
  connection.send(answer, unwanted, answer);
  await settle();
  expect([holder.heard(), b.heard(), c.heard()]).toEqual([answered, [], answered]);
  expect(await isClosed(connection)).toBe(true);
  const next = await answering(postgres);
  await b.send(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
  expect(b.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  expect(next.asked()[0]).toBe('Query SELECT 3');
  expect(engine.stats().pools).toMatchObject([{ faults: 0, idle: 1 }]);
});

test('one cancelled while it runs is cancelled in Postgres, and those behind it run elsewhere', async () => {
  const { open, holder, b, connection, engine, postgres } = await createMute();
  const c = await open();
  await c.send(encodeQuery('SELECT 2'));
  expect(connection.pending()).toBe('PSQBESQ');
  const cancel = engine.cancel(holder.session.processId, secret);
  const cancelling = await postgres.nextConnection();
  expect((await cancelling.startup()).kind).toBe('cancel');
  cancelling.stream.destroy();
  await cancel;
  // The holder's answer, and some of what nobody wants any more.
  const error = failure('57014', 'canceling statement due to user request');
  connection.send(error, encodeReadyForQuery('I'), encodeBindComplete(), answer);
  await settle();
  expect(holder.heard()).toEqual(cancelled);
  expect(await isClosed(connection)).toBe(true);
  const next = await answering(postgres);
  await settle();
  expect(next.asked().map((line) => line.split(' ')[0])).toEqual(['Parse', 'Bind', 'Execute', 'Sync', 'Query']);
  expect(b.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  expect(c.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
  // And once more.
  await b.send(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
  expect(b.heard()).toEqual(['BindComplete', 'CommandComplete SELECT 0', 'ReadyForQuery I']);
  expect(engine.stats().pools).toMatchObject([{ faults: 0, leased: 0, idle: 1, waiting: 0 }]);
});

test('one that waits in the middle of its segment runs elsewhere as a whole', async () => {
  const { open, engine, postgres } = createTestEngine({ limits: { maxPreparedStatements: 1 } });
  const [holder, b] = [await open(), await open()];
  const connection = await postgres.nextConnection();
  await connection.accept();
  const rows = encodeRowDescription([{ name: 'n', dataTypeID: 23 }]);
  await b.send(encodeParse('s', 'SELECT 1'), encodeDescribe('S', 's'), encodeSync());
  connection.send(encodeParseComplete(), encodeParameterDescription([]), rows, encodeReadyForQuery('I'));
  await settle();
  await holder.send(encodeParse('other', 'SELECT 2'), encodeSync());
  connection.send(encodeCloseComplete(), encodeParseComplete(), encodeReadyForQuery('I'));
  await settle();
  b.heard();
  await holder.send(encodeQuery('SELECT 0'));
  connection.pending();
  await b.send(encodeBind({ statement: 's' }), encodeExecute(), encodeSync());
  expect(connection.pending()).toContain('QCPDH');
  void engine.cancel(holder.session.processId, secret);
  (await postgres.nextConnection()).stream.destroy();
  await settle();
  connection.send(failure('57014', 'canceling statement due to user request'), encodeReadyForQuery('I'));
  const next = await postgres.nextConnection();
  await next.accept();
  await settle();
  next.send(encodeParseComplete(), encodeParameterDescription([]), rows);
  await settle();
  expect(next.pending()).toBe('PDHBES');
  next.send(encodeBindComplete(), answer);
  await settle();
  expect(b.heard()).toEqual(['BindComplete', ...answered]);
});

test('those who run elsewhere need not wait for the one that is cancelled', async () => {
  const { open, postgres, engine } = createTestEngine({ limits: { poolSize: 2 } });
  const holders = [await open(), await open()];
  const servers: AnsweringServer[] = [];
  for (const holder of holders) {
    await holder.send(encodeQuery('SELECT 0'));
    servers.push(await answering(postgres, silent));
    await settle();
  }
  const b = await open();
  await b.send(encodeQuery('SELECT 1'));
  const at = servers.map((server) => server.asked().length).indexOf(2);
  const other = servers[1 - at]!;
  void engine.cancel(holders[at]!.session.processId, secret);
  await settle();
  expect(other.asked()).toEqual(['Query SELECT 1']);
  other.connection.send(answer, answer);
  await settle();
  expect(b.heard()).toEqual(answered);
});

test('of those behind one that is cancelled a vanished one does not come back', async () => {
  const { open, holder, server, engine, postgres } = await createBusy();
  const [b, c] = [await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await c.send(encodeQuery('SELECT 2'));
  await b.vanish();
  void engine.cancel(holder.session.processId, secret);
  (await postgres.nextConnection()).stream.destroy();
  server.connection.send(answer, answer);
  await settle();
  const next = await answering(postgres);
  await settle();
  expect(next.asked()).toEqual(['Query SELECT 2']);
  expect([holder.heard(), b.heard(), c.heard()]).toEqual([
    answered,
    [],
    ['CommandComplete SELECT 0', 'ReadyForQuery I'],
  ]);
});

test('while the last rider is being cancelled nobody joins, and the connection is not lent before the cancel is over', async () => {
  const { open, holder, server, engine, postgres, pass } = await createBusy();
  const b = await open();
  await b.send(encodeQuery('SELECT 1'));
  server.connection.send(answer);
  await settle();
  expect(holder.heard()).toEqual(answered);
  const cancel = engine.cancel(b.session.processId, new Uint8Array(4));
  const cancelling = await postgres.nextConnection();
  expect((await cancelling.startup()).kind).toBe('cancel');
  const c = await open();
  await c.send(encodeQuery('SELECT 2'));
  server.asked();
  server.connection.send(answer);
  await settle();
  expect(server.asked()).toEqual([]);
  await pass(20);
  expect(server.asked()).toEqual([]);
  cancelling.stream.destroy();
  await cancel;
  await pass(20);
  expect(b.heard()).toEqual(answered);
  expect(server.asked()).toEqual(['Query SELECT 2']);
});

test('a rider that vanishes takes nothing with it: its answer goes nowhere, the others get theirs', async () => {
  const { open, holder, server, engine, postgres } = await createBusy();
  const [b, c] = [await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await c.send(encodeQuery('SELECT 2'));
  await b.vanish();
  expect(postgres.connections).toHaveLength(1);
  server.connection.send(answer, answer, answer);
  await settle();
  expect([holder.heard(), b.heard(), c.heard()]).toEqual([answered, [], answered]);
  expect(engine.stats().pools).toMatchObject([{ idle: 1, leased: 0 }]);
});

const endless = encodeExecute('x'.repeat(10_001));
test.each([
  [
    'is ended for a message that is too long',
    [encodeParse('', 'SELECT 2'), encodeBind({}), endless, encodeSync()],
    'PBS',
  ],
  [
    'vanishes while an answer is awaited',
    [encodeParse('a', 'SELECT 2'), encodeParse('a', 'SELECT 3'), encodeSync()],
    'PHS',
  ],
])('a rider that %s amid its segment does not keep the connection', async (_, messages, sent) => {
  const { open, holder, b, connection, engine } = await createMute();
  const c = await open();
  await c.send(...messages);
  await c.vanish();
  expect(connection.pending()).toBe(`PSQBES${sent}`);
  connection.send(answer, encodeBindComplete(), answer, encodeParseComplete());
  if (sent === 'PBS') connection.send(encodeBindComplete());
  connection.send(encodeReadyForQuery('I'));
  await settle();
  expect([holder.heard(), b.heard().slice(1)]).toEqual([answered, answered]);
  expect(engine.stats().pools).toMatchObject([{ idle: 1, leased: 0, faults: 0 }]);
});

test('those behind a statement that does not end go back to the queue, where they have waited from the start', async () => {
  const { open, holder, server, engine, pass } = await createBusy();
  const [b, c] = [await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await pass(500);
  await c.send(encodeQuery('SELECT 2'));
  expect(engine.stats().pools).toMatchObject([{ waiting: 1 }]);
  await pass(1_000);
  expect(engine.stats().pools).toMatchObject([{ waiting: 2 }]);
  await pass(8_400);
  expect([b.heard(), c.heard()]).toEqual([[], []]);
  await pass(200);
  expect([b.heard(), c.heard()]).toEqual([[expect.stringMatching(/^ERROR 53300 .*waited 10/), 'ReadyForQuery I'], []]);
  await pass(500);
  expect(c.heard()[0]).toContain('ERROR 53300');
  server.connection.send(answer, answer);
  await settle();
  expect([holder.heard(), b.heard()]).toEqual([answered, []]);
});

test('they are the first to be served', async () => {
  const { open, server, postgres, pass } = await createBusy();
  const [b, c, d] = [await open(), await open(), await open()];
  await b.send(encodeQuery('SELECT 1'));
  await c.send(encodeQuery('SELECT 2'));
  await pass(100);
  await d.send(encodeQuery('SELECT 3'));
  await pass(1_500);
  server.connection.send(answer);
  const next = await answering(postgres);
  await settle();
  expect(next.asked()).toEqual(['Query SELECT 1', 'Query SELECT 2', 'Query SELECT 3']);
});

describe('a caller that does not read its answer', () => {
  const row = encodeDataRow([new Uint8Array(400)]);

  async function createUnread(rows: number) {
    const engine = createTestEngine({ limits: { maxCallerBacklogBytes: 100 } });
    const slow = await engine.open();
    const server = await answering(engine.postgres, silent);
    await slow.send(encodeQuery('SELECT 0'));
    slow.pause();
    const b = await engine.open();
    await b.send(encodeQuery('SELECT 1'));
    for (let i = 0; i < rows; i++) server.connection.send(row);
    await settle();
    return { ...engine, slow, b, server };
  }

  test('holds nobody up: those behind it run elsewhere, then its connection is not read for it', async () => {
    const { slow, b, server, engine, postgres, open } = await createUnread(4);
    server.connection.send(row);
    server.connection.send(answer, answer);
    await settle();
    expect(server.connection.stream.bufferedBytes).toBe(2 * answer.length);
    expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1 }]);
    await (await open()).send(encodeQuery('SELECT 2'));
    expect(server.asked()).toEqual(['Query SELECT 0', 'Query SELECT 1']);
    await slow.resume();
    expect(slow.heard().slice(-3)).toEqual(['DataRow', ...answered].map((line) => expect.stringContaining(line)));
    const next = await answering(postgres);
    await settle();
    expect(next.asked()).toEqual(['Query SELECT 1', 'Query SELECT 2']);
    expect(b.heard()).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery I']);
    expect(engine.stats().pools).toMatchObject([{ leased: 0, idle: 1, faults: 0 }]);
  });

  test('does not have to be as fast as one alone: a little more may wait for it before anybody moves', async () => {
    const { slow, b, server } = await createUnread(3);
    server.connection.send(answer, answer);
    await settle();
    expect(b.heard()).toEqual(answered);
    await slow.resume();
    expect(slow.heard()).toHaveLength(5);
  });

  test('gives its connection back when it vanishes', async () => {
    const { slow, b, server, postgres, engine } = await createUnread(5);
    await slow.vanish();
    server.connection.send(answer, answer);
    const next = await answering(postgres);
    await settle();
    expect(next.asked()).toEqual(['Query SELECT 1']);
    expect(b.heard()).toHaveLength(2);
    expect(engine.stats().pools).toMatchObject([{ leased: 0, idle: 1, faults: 0 }]);
  });
});

test('the loss of the connection is told to every rider', async () => {
  const { open, holder, server, engine } = await createBusy();
  const b = await open();
  await b.send(encodeQuery('SELECT 1'));
  server.connection.stream.destroy();
  await settle();
  for (const caller of [holder, b]) expect(caller.heard()[0]).toContain('FATAL 08006');
  expect(engine.stats().pools).toMatchObject([{ idle: 0, leased: 0 }]);
});

test('while there is room in the pool nobody shares', async () => {
  const { postgres, open, engine } = createTestEngine({ limits: { poolSize: 2 } });
  const [a, b] = [await open(), await open()];
  await a.send(encodeQuery('SELECT 1'));
  await answering(postgres, silent);
  await settle();
  await b.send(encodeQuery('SELECT 2'));
  await answering(postgres, silent);
  await settle();
  expect(engine.stats().pools).toMatchObject([{ leased: 2, opened: 2 }]);
});
