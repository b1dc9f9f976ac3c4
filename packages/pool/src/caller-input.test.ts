import {
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyInResponse,
  encodeQuery,
  encodeReadyForQuery,
} from '@postern/wire';
import { expect, test } from 'vitest';
import { answering, createTestEngine, settle } from './engine.fixture.ts';
import { createMemoryStreamPair } from './memory-stream.ts';

const slow = 'SELECT pg_sleep(1)';

test('who waits for a connection is read up to a limit, and then on', async () => {
  const { postgres, open } = createTestEngine({ limits: { multiplexing: false, maxHeldBytes: 50_000 } });
  const running = await open();
  const server = await answering(postgres, (sql) => (sql === slow ? null : undefined));
  await running.send(encodeQuery(slow));
  const [stream, far] = createMemoryStreamPair();
  let heard = 0;
  far.onData = (bytes) => {
    heard += bytes.length;
    return undefined;
  };
  await open({ stream });
  const query = encodeQuery(`SELECT '${'x'.repeat(10_000)}'`);
  for (let i = 0; i < 40; i++) {
    far.write(query);
    await settle();
  }
  expect(far.bufferedBytes).toBeGreaterThan(300_000);
  expect(heard).toBe(0);
  server.asked();
  server.connection.send(encodeCommandComplete('SELECT 1'), encodeReadyForQuery('I'));
  for (let i = 0; i < 40; i++) await settle();
  expect(far.bufferedBytes).toBe(0);
  expect(server.asked().filter((line) => line.includes('xxx'))).toHaveLength(40);
});

test('a Postgres that does not read holds its caller back', async () => {
  const { postgres, open } = createTestEngine({ limits: { maxServerBacklogBytes: 100_000 } });
  const [stream, far] = createMemoryStreamPair();
  await open({ stream });
  const connection = await postgres.nextConnection();
  await connection.accept();
  await settle();
  far.write(encodeQuery('COPY t FROM STDIN'));
  await settle();
  connection.send(encodeCopyInResponse({ format: 'text', columnFormats: [] }));
  await settle();
  connection.stream.pause();
  for (let i = 0; i < 40; i++) {
    far.write(encodeCopyData(new Uint8Array(10_000)));
    await settle();
  }
  expect(far.bufferedBytes).toBeGreaterThan(200_000);
  connection.stream.resume();
  for (let i = 0; i < 10; i++) await settle();
  expect(far.bufferedBytes).toBe(0);
  expect(connection.pending()).toBe(`Q${'d'.repeat(40)}`);
});
