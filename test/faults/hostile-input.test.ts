// What strangers send: a clear error in the form that the clients of that frontend understand, and the process stays up.
// It is a process of its own, so that an exception nobody caught would end it.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connectRaw } from '@postern/testkit';
import {
  BackendCode,
  createMessageReader,
  decodeErrorFields,
  encodeParse,
  encodePassword,
  encodeQuery,
  encodeStartupMessage,
  encodeSync,
} from '@postern/wire';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { postSql } from './sql-over-http.ts';

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGatewayProcess({
    gateway: {
      poolSize: 2,
      authTimeoutMs: 500,
      maxRequestBytes: 100_000,
      maxWebSocketMessageBytes: 2_000_000,
      limits: { maxMessageBytes: 1_000_000 },
    },
  });
});

afterEach(async () => {
  expect(gateway.isAlive).toBe(true);
  const reply = await postSql({
    port: gateway.httpPort,
    connectionString: gateway.poolerUrl,
    body: { query: 'SELECT 1', params: [] },
  });
  expect(reply).toMatchObject({ status: 200, body: { rows: [['1']] } });
});

afterAll(() => gateway.close());

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function message(code: string, length: number, ...body: Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from(code), int32(length), ...body]);
}

/** The ErrorResponses among backend messages. */
function errorsIn(bytes: Uint8Array): Record<string, unknown>[] {
  const errors: Record<string, unknown>[] = [];
  const reader = createMessageReader({
    maxMessageBytes: 1 << 20,
    onMessage(code, body) {
      if (code === BackendCode.ErrorResponse) errors.push({ ...decodeErrorFields(body) });
    },
  });
  reader.push(bytes);
  return errors;
}

/** Not events.once, which rejects at an error: the peer may answer what it has not read with a reset. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Everything the peer sends until it closes. */
async function converse(port: number, ...bytes: Uint8Array[]): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  socket.on('error', () => {});
  socket.write(Buffer.concat(bytes));
  await closed(socket);
  return Buffer.concat(received);
}

function startup(parameters: Record<string, string> = {}): Uint8Array {
  const { user, name } = gateway.database;
  const all = Object.entries({ user, database: name, pooled: 'true', ...parameters });
  return encodeStartupMessage({ minor: 0, parameters: all });
}

describe('HTTP', () => {
  const query = { query: 'SELECT 1', params: [] };
  const cases: readonly [string, object, { status?: number; code: string; says: RegExp }][] = [
    ['no JSON', { body: '{"query": ' }, { code: '22023', says: /JSON/ }],
    ['JSON of another shape', { body: '[1]' }, { code: '22023', says: /query/ }],
    ['parameters that are no list', { body: { query: 'SELECT 1', params: 5 } }, { code: '22023', says: /params/ }],
    ['JSON a million levels deep', { body: '['.repeat(50_000) }, { code: '22023', says: /./ }],
    [
      'a body over the limit',
      { body: { query: `SELECT '${'x'.repeat(100_000)}'` } },
      { status: 413, code: '54000', says: /100000|97/ },
    ],
    ['NUL in the text', { body: { query: 'SELECT \0', params: [] } }, { code: '54000', says: /NUL|zero byte/i }],
    [
      'no connection string',
      { connectionString: '' },
      { code: '22023', says: /connection string|Neon-Connection-String/i },
    ],
    ['a connection string that is none', { connectionString: 'hello' }, { code: '22023', says: /connection string/ }],
    [
      'a connection string of another kind',
      { connectionString: 'mysql://a:b@c/d' },
      { code: '22023', says: /postgres/ },
    ],
    [
      'a bad option in it',
      { connectionString: 'postgres://a:b@c/d?pool_timeout=soon' },
      { code: '22023', says: /pool_timeout.*soon/ },
    ],
    [
      'a bad header',
      { headers: { 'Neon-Batch-Isolation-Level': 'Chaos' }, body: { queries: [query] } },
      { code: '22023', says: /Neon-Batch-Isolation-Level/i },
    ],
  ];
  test.each(cases)('%s', async (_, request, { status = 400, code, says }) => {
    const reply = await postSql({
      port: gateway.httpPort,
      connectionString: gateway.poolerUrl,
      body: query,
      ...request,
    });
    expect(reply).toMatchObject({ status, body: { code } });
    const { message, detail, hint } = reply.body;
    expect([message, detail, hint].join(' ')).toMatch(says);
    expect(JSON.stringify(reply.body)).not.toContain(`:${gateway.database.password}@`);
  });

  test('an unknown path and a wrong method', async () => {
    const url = `http://127.0.0.1:${gateway.httpPort}`;
    const missing = await fetch(`${url}/nowhere`);
    expect([missing.status, await missing.json()]).toMatchObject([
      404,
      { message: expect.stringContaining('/nowhere') },
    ]);
    const wrong = await fetch(`${url}/sql`);
    expect([wrong.status, await wrong.json()]).toMatchObject([405, { message: expect.stringContaining('POST') }]);
  });

  test.each([
    ['garbage', Buffer.from('\x00\x01\x02 garbage\r\n\r\n')],
    ['the Postgres protocol', int32(8)],
    ['headers without end', Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`)],
    [
      'two lengths',
      Buffer.from('POST /sql HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
  ])('%s instead of HTTP', async (_, bytes) => {
    const socket = connect({ host: '127.0.0.1', port: gateway.httpPort });
    socket.on('error', () => {});
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    socket.end(bytes);
    await closed(socket);
    const answer = Buffer.concat(received).toString();
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });
});

describe('WebSocket', () => {
  interface Ended {
    readonly code: number;
    readonly errors: readonly Record<string, unknown>[];
  }

  async function converseOver(...messages: (string | Uint8Array)[]): Promise<Ended> {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}/v2`);
    const received: Buffer[] = [];
    socket.on('message', (data: Buffer) => received.push(data));
    await once(socket, 'open');
    for (const data of messages) socket.send(data);
    const [code] = await once(socket, 'close');
    return { code, errors: errorsIn(Buffer.concat(received)) };
  }

  function loggedIn(): Uint8Array {
    return Buffer.concat([startup(), encodePassword(gateway.database.password)]);
  }

  test.each<[string, () => (string | Uint8Array)[], number, object]>([
    ['text at once', () => ['SELECT 1'], 1003, { code: '08P01', message: expect.stringContaining('text') }],
    ['text in a session', () => [loggedIn(), 'SELECT 1'], 1003, { code: '08P01' }],
    ['garbage', () => [Buffer.from('garbage that is no start-up packet')], 1002, { code: '08P01' }],
    [
      'a message over the limit',
      () => [new Uint8Array(2_000_001)],
      1009,
      { code: '54000', message: expect.stringContaining('2000000') },
    ],
    [
      'a query over the limit',
      () => [loggedIn(), encodeQuery(`SELECT '${'x'.repeat(1_000_001)}'`)],
      1000,
      { code: '54000', message: expect.stringContaining('1000000') },
    ],
    [
      'a bad option',
      () => [Buffer.concat([startup({ pool_timeout: 'soon' }), encodePassword('x')])],
      1008,
      { code: '22023', message: expect.stringContaining('pool_timeout') },
    ],
    ['a wrong password', () => [Buffer.concat([startup(), encodePassword('wrong')])], 1008, { code: '28P01' }],
    ['a message that does not exist', () => [loggedIn(), message('?', 4)], 1000, { code: '08P01' }],
    ['nothing for too long', () => [], 1008, { code: '57014' }],
  ])('%s', async (_, messages, code, error) => {
    const ended = await converseOver(...messages());
    expect(ended.errors.at(-1)).toMatchObject({ severity: 'FATAL', ...error });
    expect(ended.errors).toHaveLength(1);
    expect(ended.code).toBe(code);
  });

  test('frames that break the rules of WebSockets', async () => {
    const upgrade = `GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`;
    for (const frame of [
      [0x82, 0x05, 1, 2, 3, 4, 5],
      [0xf2, 0x80, 0, 0, 0, 0],
      [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0],
      [0x80, 0x81, 0, 0, 0, 0, 1],
    ]) {
      const answer = await converse(gateway.httpPort, Buffer.from(upgrade), Buffer.from(frame));
      expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    }
  });

  test('an upgrade on an unknown path', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}/nowhere`);
    await expect(once(socket, 'open')).rejects.toThrow('404');
  });
});

describe('TCP', () => {
  test.each<[string, () => Uint8Array[], object]>([
    ['TLS without asking', () => [Buffer.from('16030100c8010000c4030300', 'hex')], { code: '08P01' }],
    ['random bytes', () => [Buffer.from('de2bf0f30fb73a2ac1ff00aa', 'hex')], { code: '08P01' }],
    ['a start-up of length 0', () => [int32(0)], { code: '08P01' }],
    ['a start-up of length 3', () => [int32(3)], { code: '08P01' }],
    ['a start-up of length 2^31', () => [int32(2 ** 31), int32(196_608)], { code: '08P01' }],
    ['protocol 2', () => [int32(8), int32(131_072)], { code: '0A000', message: expect.stringContaining('2.0') }],
    [
      'a start-up without a user',
      () => [encodeStartupMessage({ minor: 0, parameters: [['database', 'x']] })],
      { code: '28000' },
    ],
    ['a start-up without its end', () => [int32(17), int32(196_608), Buffer.from('user\0abcd')], { code: '08P01' }],
    [
      'a bad option',
      () => [startup({ pooled: 'perhaps' })],
      { code: '22023', message: expect.stringContaining('perhaps') },
    ],
    ['half a start-up and silence', () => [startup().subarray(0, 20)], { code: '57014' }],
    ['a password without end', () => [startup(), message('p', 2 ** 31 - 1)], { code: '54000' }],
    ['a query instead of a password', () => [startup(), encodeQuery('SELECT 1')], { code: '08P01' }],
  ])('%s', async (_, bytes, error) => {
    const errors = errorsIn(await converse(gateway.tcpPort, ...bytes()));
    expect(errors).toEqual([expect.objectContaining({ severity: 'FATAL', ...error })]);
  });

  test.each<[string, Uint8Array, object]>([
    ['a length of 0', message('Q', 0), { code: '08P01' }],
    ['a length of 3', message('Q', 3), { code: '08P01' }],
    ['a length of 2^32 - 1', message('Q', 2 ** 32 - 1), { code: expect.stringMatching('08P01|54000') }],
    ['a query over the limit', message('Q', 1_000_001), { code: '54000', message: expect.stringContaining('1000000') }],
    [
      'a statement over the limit',
      message('P', 500_000_000),
      { code: '54000', message: expect.stringContaining('1000000') },
    ],
    [
      'an unknown message',
      message('?', 4),
      { code: '08P01', message: expect.stringMatching(/invalid frontend message type 63/) },
    ],
    ['a message of servers', message('Z', 5, Buffer.from('I')), { code: '08P01' }],
  ])('in a session: %s', async (_, bytes, error) => {
    const { user, password, name } = gateway.database;
    const session = await connectRaw({
      port: gateway.tcpPort,
      user,
      password,
      database: name,
      params: { pooled: 'true' },
    });
    session.send(bytes);
    const [answer] = await session.receive(BackendCode.ErrorResponse);
    expect(decodeErrorFields(answer!.body)).toMatchObject({ severity: 'FATAL', ...error });
    await session.closed;
  });

  test.each<[string, Uint8Array]>([
    ['a Parse that makes no sense', Buffer.concat([encodeParse('s', 'nonsense'), encodeSync()])],
    ['a query without its end', message('Q', 8, Buffer.from('SELE'))],
  ])('in a session, as in Postgres only that segment fails: %s', async (_, bytes) => {
    const { user, password, name } = gateway.database;
    const params = { pooled: 'true' };
    const session = await connectRaw({ port: gateway.tcpPort, user, password, database: name, params });
    const messages = await session.exchange(bytes);
    expect(messages.map(({ code }) => code)).toEqual([BackendCode.ErrorResponse, BackendCode.ReadyForQuery]);
    expect(await session.query('SELECT 1')).toEqual([['1']]);
    await session.end();
  });
});
