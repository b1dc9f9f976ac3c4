import {
  encodeCommandComplete,
  encodeCopyData,
  encodeDataRow,
  encodeQuery,
  encodeReadyForQuery,
  encodeTerminate,
} from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { createTestEngine, settle } from './engine.fixture.ts';
import { FinalDialError } from './errors.ts';
import { createMemoryStreamPair } from './memory-stream.ts';

const direct = { mode: 'direct' } as const;
const done = encodeCommandComplete('SELECT 1');

describe('a direct session', () => {
  test('passes bytes both ways as they are, on a connection that nobody shares', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open(direct);
    const connection = await postgres.nextConnection();
    await connection.accept();
    await settle();
    expect(a.heard().slice(-2)).toEqual(['BackendKeyData', 'ReadyForQuery I']);
    // A SET is nobody's business: no reset, no question.
    await a.send(encodeQuery('SET work_mem = 1'));
    expect(connection.pending()).toBe('Q');
    connection.send(done, encodeReadyForQuery('I'));
    await settle();
    expect(a.heard()).toEqual(['CommandComplete SELECT 1', 'ReadyForQuery I']);
    const b = await open(direct);
    expect(await postgres.nextConnection()).not.toBe(connection);
    expect(b.isClosed).toBe(false);
  });

  test('keeps what came before Postgres had let it in', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open(direct);
    const connection = await postgres.nextConnection();
    await a.send(encodeQuery('SELECT 1'));
    await connection.accept();
    await settle();
    expect(connection.pending()).toBe('Q');
  });

  test('of a caller that vanishes in a query: the query is cancelled, the connection closed', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open(direct);
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeQuery('SELECT pg_sleep(60)'));
    await a.vanish();
    const cancelling = await postgres.nextConnection();
    expect(cancelling).not.toBe(connection);
    cancelling.stream.destroy();
    await settle();
    await connection.closed;
  });

  test('of such a caller is closed even if Postgres can no longer be reached for the cancel', async () => {
    let isReachable = true;
    const { postgres, open, pass } = createTestEngine({
      dial: (real) => (target) => (isReachable ? real(target) : Promise.reject(new Error('ECONNREFUSED'))),
    });
    const a = await open(direct);
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeQuery('SELECT pg_sleep(60)'));
    isReachable = false;
    // An unhandled rejection fails the test, and would end the process.
    await a.vanish();
    await pass(1_000);
    await connection.closed;
  });

  test('of a caller that says goodbye ends without a cancel', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open(direct);
    const connection = await postgres.nextConnection();
    await connection.accept();
    await a.send(encodeTerminate());
    expect(connection.pending()).toBe('X');
    await a.vanish();
    await settle();
    await connection.closed;
    expect(postgres.connections).toHaveLength(1);
  });

  describe('with a side that does not read holds the other back, and loses nothing:', () => {
    const limits = { maxCallerBacklogBytes: 100_000, maxServerBacklogBytes: 100_000 };
    const count = 40;

    test('the caller', async () => {
      const { postgres, open } = createTestEngine({ limits });
      const a = await open(direct);
      const connection = await postgres.nextConnection();
      await connection.accept();
      await settle();
      a.heard();
      a.pause();
      for (let i = 0; i < count; i++) {
        connection.send(encodeDataRow([new Uint8Array(10_000)]));
        await settle();
      }
      expect(connection.stream.bufferedBytes).toBeGreaterThan(200_000);
      await a.resume();
      await settle();
      expect(a.heard()).toHaveLength(count);
    });

    test('Postgres', async () => {
      const { postgres, open } = createTestEngine({ limits });
      const [stream, far] = createMemoryStreamPair();
      await open({ ...direct, stream });
      const connection = await postgres.nextConnection();
      await connection.accept();
      await settle();
      connection.stream.pause();
      for (let i = 0; i < count; i++) {
        far.write(encodeCopyData(new Uint8Array(10_000)));
        await settle();
      }
      expect(far.bufferedBytes).toBeGreaterThan(200_000);
      connection.stream.resume();
      await settle();
      await settle();
      expect(connection.pending()).toBe('d'.repeat(count));
    });
  });

  test('ends when Postgres does', async () => {
    const { postgres, open } = createTestEngine();
    const a = await open(direct);
    const connection = await postgres.nextConnection();
    await connection.accept();
    await settle();
    connection.stream.destroy();
    await settle();
    expect(a.isClosed).toBe(true);
  });
});

test('says why Postgres cannot be reached in words, with advice', async () => {
  const { open, pass } = createTestEngine({
    dial: () => () =>
      Promise.reject(new FinalDialError('CERT_HAS_EXPIRED', 'db:5432: certificate has expired', undefined)),
  });
  const caller = await open({ mode: 'direct' });
  await pass(50);
  expect(caller.heard()).toEqual(['FATAL 08001 cannot reach the database server: db:5432: certificate has expired']);
  expect(caller.isClosed).toBe(true);
});
