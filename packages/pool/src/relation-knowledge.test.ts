// What a query reads decides whether it may ride: it may have to run twice.
import {
  concatBytes,
  encodeCommandComplete,
  encodeDataRow,
  encodeQuery,
  encodeReadyForQuery,
  encodeText,
} from '@postern/wire';
import { expect, test } from 'vitest';
import { type AnsweringServer, answering, createTestEngine, settle, type TestCaller } from './engine.fixture.ts';

const done = encodeCommandComplete('SELECT 0');
const answer = concatBytes([done, encodeReadyForQuery('I')]);
const sql = 'SELECT a FROM t';

/** A pool of one. Questions about relations are answered with these places of names in the text above; nothing else is. */
async function createPool(places: readonly string[] = []) {
  const { open, postgres, pass, engine } = createTestEngine();
  const first = await open();
  const row = places.map((place) => encodeDataRow([encodeText(place)]));
  const server: AnsweringServer = await answering(postgres, (text) =>
    text.includes('pg_rewrite') ? concatBytes([...row, done]) : null,
  );
  const asked = () =>
    server.asked().map((line) => (line.includes('pg_rewrite') ? 'question' : line.replace('Query ', '')));
  async function send(text: string): Promise<TestCaller> {
    const caller = await open();
    await caller.send(encodeQuery(text));
    return caller;
  }
  async function answerAll(): Promise<void> {
    while (engine.stats().pools[0]!.leased > 0) {
      server.connection.send(answer);
      await settle();
    }
  }
  /** What the connection is asked when two callers send the text one right after the other, the connection being busy. */
  async function runBehindAnother(): Promise<string[]> {
    await first.send(encodeQuery('SELECT 0'));
    asked();
    await send(sql);
    await send(sql);
    const lines = asked();
    await answerAll();
    asked();
    return lines;
  }
  return { send, asked, pass, answerAll, runBehindAnother, engine, server };
}

test('what it reads is asked once, in front of the first such query that has a connection; then such queries ride', async () => {
  const { runBehindAnother, send, asked, engine, server } = await createPool();
  expect(await runBehindAnother()).toEqual([]);
  expect(await runBehindAnother()).toEqual([sql, sql]);
  // The first of these holds the connection, the others ride.
  await send(sql);
  await send('SELECT b FROM t');
  expect(asked()).toEqual([sql]);
  server.connection.send(answer);
  await settle();
  expect(asked()).toEqual(['SELECT b FROM t']);
  expect(engine.stats().pools).toMatchObject([{ faults: 0 }]);
});

test('what is not plain never rides', async () => {
  const { runBehindAnother } = await createPool(['3']);
  for (let i = 0; i < 3; i++) expect(await runBehindAnother()).toEqual([]);
});

test('what reads nothing needs no question', async () => {
  const { send, asked } = await createPool();
  for (let i = 0; i < 3; i++) await send(`SELECT ${i}`);
  expect(asked()).toEqual(['SELECT 0', 'SELECT 1', 'SELECT 2']);
});

test('the question comes again before the answer is forgotten', async () => {
  const { runBehindAnother, pass, send, asked, answerAll } = await createPool();
  await runBehindAnother();
  await pass(29_000);
  expect(await runBehindAnother()).toEqual([sql, sql]);
  await pass(2_000);
  expect(await runBehindAnother()).toEqual([sql, sql]);
  await send(sql);
  expect(asked()).toEqual(['question', sql]);
  await answerAll();
  await pass(61_000);
  expect(await runBehindAnother()).toEqual([]);
});

test('DDL makes it doubtful, until the transaction is over', async () => {
  const { runBehindAnother, pass, send, answerAll } = await createPool();
  await runBehindAnother();
  await pass(1_000);
  await send('CREATE VIEW t AS SELECT f() AS a');
  await answerAll();
  expect(await runBehindAnother()).toEqual([]);
  await pass(1_000);
  await runBehindAnother();
  expect(await runBehindAnother()).toEqual([sql, sql]);
});
