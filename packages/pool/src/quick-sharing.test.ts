// Sharing a connection by choice: while another is idle, for statements that have been quick so far.
import { concatBytes, encodeCommandComplete, encodeQuery, encodeReadyForQuery } from '@postern/wire';
import { expect, test } from 'vitest';
import { type AnsweringServer, answering, createTestEngine, settle, type TestCaller } from './engine.fixture.ts';

const answer = concatBytes([encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I')]);

/** A pool of two open connections. `run` has a statement answered, so many milliseconds later; `ask` has several not answered. */
async function createPool() {
  const { open, postgres, engine, clock, pass } = createTestEngine({ limits: { poolSize: 2 } });
  const callers: TestCaller[] = [];
  const servers: AnsweringServer[] = [];
  for (let i = 0; i < 2; i++) {
    callers.push(await open());
    await callers[i]!.send(encodeQuery('BEGIN'));
    servers.push(await answering(postgres, () => null));
    await settle();
  }
  for (const { connection } of servers) connection.send(answer);
  await settle();
  for (const server of servers) server.asked();
  const asked = () => servers.map((server) => server.asked().filter((line) => !line.includes('pg_rewrite')).length);
  async function send(sql: string): Promise<TestCaller> {
    const caller = await open();
    await caller.send(encodeQuery(sql));
    return caller;
  }
  return {
    engine,
    servers,
    pass,
    send,
    async run(sql: string, ms = 0, times = 1) {
      for (let i = 0; i < times; i++) {
        await callers[0]!.send(encodeQuery(sql));
        clock.advance(ms);
        const at = asked().indexOf(1);
        servers[at]!.connection.send(answer);
        await settle();
      }
    },
    /** How many of them arrived at each connection, the fuller one first. */
    async ask(sql: string, times: number) {
      for (let i = 0; i < times; i++) await send(sql);
      return asked().sort((a, b) => b - a);
    },
  };
}

test('a statement of which nothing is known has a connection of its own while there is one', async () => {
  const { run, ask } = await createPool();
  await run('SELECT 1', 0, 3);
  expect(await ask('SELECT 2', 2)).toEqual([1, 1]);
});

test('one that has been quick time and again is sent behind others of its kind instead', async () => {
  const { run, ask, engine } = await createPool();
  await run('SELECT 1', 0, 200);
  expect(await ask('SELECT 2', 5)).toEqual([5, 0]);
  expect(engine.stats().pools).toMatchObject([{ leased: 1, idle: 1 }]);
});

test('only so many: the next has the other connection', async () => {
  const { run, ask } = await createPool();
  await run('SELECT 1', 0, 300);
  expect(await ask('SELECT 2', 35)).toEqual([32, 3]);
});

test.each([
  [0.3, 3, [3, 0]],
  [0.3, 4, [3, 1]],
  [0.6, 2, [1, 1]],
])('statements of %s ms: a millisecond is all they may cost each other, %s → %s', async (ms, times, expected) => {
  const { run, ask } = await createPool();
  await run('SELECT 1', ms, 300);
  expect(await ask('SELECT 2', times)).toEqual(expected);
});

test('while nothing is idle quick ones need not wait for each other', async () => {
  const { run, ask, engine } = await createPool();
  await run('SELECT 1', 0, 300);
  await ask('BEGIN', 1);
  expect(await ask('SELECT 2', 32)).toEqual([32, 0]);
  expect(engine.stats().pools).toMatchObject([{ leased: 2, waiting: 0 }]);
});

test('one slow run is not forgotten soon', async () => {
  const { run, ask } = await createPool();
  await run('SELECT 1', 0, 200);
  await run('SELECT 1', 200);
  await run('SELECT 1', 0, 50);
  expect(await ask('SELECT 2', 2)).toEqual([1, 1]);
});

test('a quick one does not choose to run behind another of which nothing is known', async () => {
  const { run, ask } = await createPool();
  await run('SELECT 1', 0, 200);
  expect(await ask('SELECT a FROM t', 1)).toEqual([1, 0]);
  expect(await ask('SELECT 2', 2)).toEqual([2, 0]);
});

test.each(['SELECT a FROM t FOR UPDATE', 'SELECT a FROM t FOR NO KEY UPDATE', 'SELECT a FROM t FOR SHARE OF t'])(
  'what may wait for a lock never shares by choice: %s',
  async (sql) => {
    const { run, ask } = await createPool();
    await run(sql, 0, 200);
    expect(await ask(sql, 2)).toEqual([1, 1]);
  },
);

test('those behind one that turns out slow run elsewhere, and get one answer each', async () => {
  const { run, send, servers, pass, engine } = await createPool();
  await run('SELECT 1', 0, 300);
  const [slow, b, c] = [await send('SELECT 2'), await send('SELECT 3'), await send('SELECT 4')];
  const at = servers.findIndex((server) => server.asked().length === 3);
  const other = servers[1 - at]!;
  await pass(50);
  expect(other.asked()).toEqual([]);
  await pass(150);
  expect(other.asked()).toEqual(['Query SELECT 3', 'Query SELECT 4']);
  other.connection.send(answer, answer);
  await settle();
  servers[at]!.connection.send(answer, answer);
  await settle();
  for (const caller of [slow, b, c]) expect(caller.heard()).toEqual(['CommandComplete SELECT 1', 'ReadyForQuery I']);
  await pass(300);
  expect(engine.stats().pools).toMatchObject([{ leased: 0, idle: 1, waiting: 0, faults: 0 }]);
});

test('they stay where they are while no other connection is idle', async () => {
  const { run, send, servers, pass } = await createPool();
  await run('SELECT 1', 0, 300);
  await send('BEGIN');
  for (let i = 2; i < 5; i++) await send(`SELECT ${i}`);
  for (const server of servers) server.asked();
  await pass(500);
  expect(servers.map((server) => server.asked())).toEqual([[], []]);
});
