import { concatBytes, encodeCommandComplete, encodeQuery, encodeReadyForQuery } from '@postern/wire';
import { expect, test } from 'vitest';
import { answering, createTestEngine, identity, settle, target } from './engine.fixture.ts';
import { createMemoryStreamPair } from './memory-stream.ts';

const slow = 'SELECT pg_sleep(1)';
const inner = {
  target,
  identity,
  mode: 'pooled',
  startupParameters: new Map<string, string>(),
  greeting: false,
} as const;
const refusal = { kind: 'pool', code: 'shutting_down', safeToRetry: true };

test('the end refuses those who wait for a connection at once, and lets what runs finish', async () => {
  const { engine, postgres, open, pass } = createTestEngine({ limits: { multiplexing: false } });
  const running = await open({ greeting: true });
  const server = await answering(postgres, () => null);
  await running.send(encodeQuery(slow));
  running.heard();
  const waiting = await open({ greeting: true });
  await waiting.send(encodeQuery('SELECT 2'));
  waiting.heard();
  const [stream, far] = createMemoryStreamPair();
  const ended = new Promise((resolve) => {
    far.onClose = resolve;
  });
  engine.openSession({ ...inner, stream });
  far.write(encodeQuery('SELECT 3'));
  await settle();
  const closed = engine.close(10_000);
  await pass(100);
  expect(waiting.heard()).toEqual(['FATAL 57P01 terminating connection: the gateway is shutting down']);
  expect(await ended).toMatchObject(refusal);
  expect(running.heard()).toEqual([]);
  server.connection.send(concatBytes([encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I')]));
  await pass(100);
  expect(running.heard()).toEqual([
    'CommandComplete SELECT 1',
    'ReadyForQuery I',
    'FATAL 57P01 terminating connection: the gateway is shutting down',
  ]);
  await closed;
});

test('the end refuses those who log in at once, whatever Postgres does', async () => {
  const { engine, postgres, pass } = createTestEngine();
  const login = engine.login(target, identity, { connectTimeoutMs: 60_000 }).catch((error: unknown) => error);
  await postgres.nextConnection();
  const closed = engine.close(10_000);
  expect(await login).toMatchObject(refusal);
  await closed;
  await expect(engine.login(target, identity, { connectTimeoutMs: 60_000 })).rejects.toMatchObject(refusal);
  await settle();
  await pass(60_000);
  expect(engine.stats().pools).toEqual([]);
});
