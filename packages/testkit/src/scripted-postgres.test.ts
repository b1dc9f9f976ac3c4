import {
  encodeCommandComplete,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
  FrontendCode,
} from '@postern/wire';
import { expect, test } from 'vitest';
import { connectRaw } from './raw-client.ts';
import { createScriptedPostgres, frontendNames } from './scripted-postgres.ts';
import { trace } from './wire-trace.ts';

const target = { host: 'nowhere', port: 1, database: 'd', tls: 'disable' } as const;

test.each([1, 3, 10_000])('plays a log-in and a conversation in pieces of %i bytes', async (maxPieceBytes) => {
  const server = createScriptedPostgres({ maxPieceBytes });
  const stream = await server.dial(target);
  const connecting = connectRaw({ stream, user: 'u', database: 'd' });
  const connection = await server.nextConnection();
  await connection.accept({ parameters: { TimeZone: 'Mars' }, processId: 77 });
  const client = await connecting;
  expect(client.processId).toBe(77);
  expect(client.parameters.get('TimeZone')).toBe('Mars');

  const answer = client.exchange(encodeParse('s', 'SELECT 1'), encodeSync());
  expect(frontendNames(await connection.until(FrontendCode.Sync))).toEqual(['Parse', 'Sync']);
  connection.send(encodeCommandComplete('SELECT 0'), encodeReadyForQuery('T'));
  expect(trace(await answer)).toEqual(['CommandComplete SELECT 0', 'ReadyForQuery T']);
});

test('shows what is pending, and both ends notice the end of the other', async () => {
  const server = createScriptedPostgres();
  const stream = await server.dial(target);
  const connecting = connectRaw({ stream });
  const connection = await server.nextConnection();
  await connection.accept();
  const client = await connecting;
  client.send(encodeQuery('SELECT 1'));
  await expect.poll(() => connection.pending()).toBe('Q');
  client.destroy();
  await connection.closed;
  expect((await connection.next()).code).toBe(FrontendCode.Query);
  await expect(connection.next()).rejects.toThrow('closed');
});
