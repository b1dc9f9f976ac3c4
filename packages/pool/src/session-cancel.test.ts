import type { ScriptedConnection } from '@postern/testkit';
import {
  concatBytes,
  encodeCommandComplete,
  encodeDataRow,
  encodeQuery,
  encodeReadyForQuery,
  encodeText,
} from '@postern/wire';
import { expect, test } from 'vitest';
import { createTestEngine, settle, type TestCaller, type TestEngine } from './engine.fixture.ts';

const ready = concatBytes([encodeCommandComplete('SELECT 0'), encodeReadyForQuery('I')]);
const workMem = encodeDataRow(['s', 'work_mem', '1'].map((cell) => encodeText(cell)));

/** Two callers of one connection; whatever `first` has set is known, and is on the connection. */
async function createTwo(): Promise<
  TestEngine & {
    first: TestCaller;
    second: TestCaller;
    connection: ScriptedConnection;
    cancel(of: TestCaller): Promise<boolean>;
  }
> {
  const engine = createTestEngine({ limits: { multiplexing: false } });
  const first = await engine.open();
  const connection = await engine.postgres.nextConnection();
  await connection.accept();
  await first.send(encodeQuery('SET work_mem = 1'));
  await connection.next();
  connection.send(ready);
  await settle();
  await connection.next();
  connection.send(workMem, ready);
  const second = await engine.open();
  const cancel = (of: TestCaller): Promise<boolean> => engine.engine.cancel(of.session.processId, new Uint8Array(4));
  return { ...engine, first, second, connection, cancel };
}

test('a cancel that comes while the connection is reset reaches Postgres when the statement runs', async () => {
  const { second, connection, cancel, postgres } = await createTwo();
  await second.send(encodeQuery('SELECT pg_sleep(100)'));
  expect(connection.pending()).toBe('QQ');
  void cancel(second);
  await settle();
  const arrived = postgres.nextConnection();
  expect(await Promise.race([arrived, settle()])).toBeUndefined();
  await connection.next();
  connection.send(ready);
  expect(await (await arrived).startup()).toMatchObject({ kind: 'cancel' });
});

test('a cancel that comes when all is answered does not hit the question about what the session holds', async () => {
  const { second, connection, cancel, postgres } = await createTwo();
  await second.send(encodeQuery('SET work_mem = 2'));
  for (let i = 0; i < 2; i++) await connection.next();
  connection.send(ready, ready);
  await settle();
  expect(connection.pending()).toBe('Q');
  void cancel(second);
  await settle();
  connection.send(ready);
  const arrived = postgres.nextConnection();
  expect(await Promise.race([arrived, settle()])).toBeUndefined();
});

test('a cancel that waits is over with the lease', async () => {
  const { second, connection, cancel } = await createTwo();
  await second.send(encodeQuery('SET work_mem = 2'));
  for (let i = 0; i < 2; i++) await connection.next();
  connection.send(ready, ready);
  await settle();
  // A part of what comes next, which needs no connection yet.
  await second.send(encodeQuery('SELECT 1').subarray(0, 6));
  const cancelled = cancel(second).then(() => 'over');
  await settle();
  await connection.next();
  connection.send(workMem, ready);
  await settle();
  expect(await Promise.race([cancelled, settle()])).toBe('over');
});
