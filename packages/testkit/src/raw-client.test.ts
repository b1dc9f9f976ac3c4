import { BackendCode, encodeCancelRequest, encodeQuery } from '@postern/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from './postgres/launcher.ts';
import { createTestDatabase, type TestDatabase } from './postgres/test-database.ts';
import { connectRaw } from './raw-client.ts';
import { connectStream } from './socket-stream.ts';
import { trace } from './wire-trace.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const login = () => ({ ...database, database: database.name });

test('logs in with SCRAM, queries, and shows the messages', async () => {
  const client = await connectRaw({ ...login(), params: { application_name: 'raw' } });
  expect(client.processId).toBeGreaterThan(0);
  expect(client.parameters.get('application_name')).toBe('raw');
  expect(await client.query("SELECT 1, NULL, 'ü'")).toEqual([['1', null, 'ü']]);
  expect(trace(await client.exchange(encodeQuery('SELECT 7 AS n; NOTIFY c')))).toEqual([
    'RowDescription n:23',
    'DataRow "7"',
    'CommandComplete SELECT 1',
    'CommandComplete NOTIFY',
    'ReadyForQuery I',
  ]);
  await client.end();
});

test('throws what the server says and goes on', async () => {
  const client = await connectRaw(login());
  await expect(client.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' });
  expect(await client.query('SELECT 2')).toEqual([['2']]);
  await client.end();
  await expect(connectRaw({ ...login(), password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
});

test('cancels, and notices when the connection is killed', async () => {
  const client = await connectRaw(login());
  client.send(encodeQuery('SELECT pg_sleep(60)'));
  // A cancel that comes before the query is lost, as Postgres says.
  const isSleeping = `SELECT 1 FROM pg_stat_activity WHERE pid = ${client.processId} AND wait_event = 'PgSleep'`;
  await expect.poll(async () => (await database.query(isSleeping)).length, { timeout: 20_000 }).toBe(1);
  const canceller = await connectStream(database.host, database.port);
  canceller.write(encodeCancelRequest(client.processId, client.secretKey));
  expect(trace(await client.receive())).toContain('ErrorResponse ERROR 57014 canceling statement due to user request');
  await database.query(`SELECT pg_terminate_backend(${client.processId})`);
  expect(trace(await client.receive(BackendCode.ErrorResponse))).toEqual([
    'ErrorResponse FATAL 57P01 terminating connection due to administrator command',
  ]);
  await client.closed;
  await expect(client.receive()).rejects.toThrow('closed');
});

test.each(['password', 'md5', 'trust'] as const)('knows authentication method %s', async (authMethod) => {
  const postgres: RunningPostgres = await startPostgres({ authMethod });
  try {
    const client = await connectRaw({ ...postgres, port: postgres.port });
    expect(await client.query('SELECT current_user')).toEqual([['postgres']]);
    await client.end();
  } finally {
    await postgres.stop();
  }
});
