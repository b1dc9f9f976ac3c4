// Servers that misbehave, or speak only Neon's wire: written by hand, so that what they were sent can be counted.
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Client, escapeIdentifier, escapeLiteral, neonConfig, Pool } from '../index.ts';
import { concat, encodeText, int16, int32, packet, Reader } from '../ws/packet.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
  for (const key of Object.keys(neonConfig)) delete neonConfig[key as keyof typeof neonConfig];
});

interface Scripted {
  url: string;
  /** What arrived, per connection: `startup`, then message types and, of simple queries, the texts. */
  readonly connections: string[][];
  readonly refused: number;
  /** WebSocket messages received. */
  readonly received: number;
  /** Ends all connections. */
  drop(code: number, reason: string): void;
}

const ok = concat([packet('R', int32(0)), packet('K', int32(1), int32(2)), packet('Z', encodeText('I'))]);
const failure = (severity: string, code: string, message: string): Uint8Array =>
  packet(
    'E',
    concat([`S${severity}`, `C${code}`, `M${message}`].map((text) => encodeText(`${text}\0`))),
    new Uint8Array(1),
  );
const oneRow = concat([
  packet('T', int16(1), 'n', int32(0), int16(0), int32(23), int16(4), int32(-1), int16(0)),
  packet('D', int16(1), int32(1), encodeText('1')),
  packet('C', 'SELECT 1'),
  packet('Z', encodeText('I')),
]);

/** Only what a driver that does not offer a subprotocol gets; `answer` decides about each message. */
async function scripted(
  answer: (message: string, connection: number) => Uint8Array | string | undefined | Promise<Uint8Array>,
): Promise<Scripted> {
  const connections: string[][] = [];
  let refused = 0;
  let received = 0;
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }: { req: { headers: Record<string, unknown> } }) => {
      const isRefused = 'sec-websocket-protocol' in req.headers;
      if (isRefused) refused++;
      return !isRefused;
    },
  });
  closers.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => {
    const messages: string[] = [];
    const number = connections.push(messages);
    socket.on('message', (data: Buffer) => {
      received++;
      for (let at = 0; at < data.length; ) {
        const isStartup = messages.length === 0;
        const length = data.readInt32BE(at + (isStartup ? 0 : 1));
        const end = at + length + (isStartup ? 0 : 1);
        const type = String.fromCharCode(data[at] ?? 0);
        const message = isStartup
          ? 'startup'
          : type === 'Q'
            ? `Q ${new Reader(data.subarray(at + 5, end)).text()}`
            : type;
        messages.push(message);
        const reply = answer(message, number);
        if (reply instanceof Promise) void reply.then((later) => socket.send(later));
        else if (reply !== undefined) socket.send(reply);
        at = end;
      }
    });
  });
  return {
    url: `postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`,
    connections,
    get refused() {
      return refused;
    },
    get received() {
      return received;
    },
    drop(code, reason) {
      for (const client of server.clients) client.close(code, reason);
    },
  };
}

const wellBehaved = (message: string): Uint8Array | undefined =>
  message === 'p' ? ok : message[0] === 'Q' ? oneRow : undefined;

test('a server without our subprotocol: found out with the log-in only, the query is sent once', async () => {
  const server = await scripted(wellBehaved);
  neonConfig.webSocketConstructor = WebSocket;
  for (let count = 1; count <= 2; count++) {
    const pool = new Pool({ connectionString: server.url });
    expect((await pool.query('SELECT 1')).rows).toEqual([{ n: 1 }]);
    await pool.end();
    // The second time it is known.
    expect(server.refused).toBe(1);
    expect(server.connections).toHaveLength(count);
    await expect.poll(() => server.connections[0]).toEqual(['startup', 'p', 'Q SELECT 1', 'X']);
  }
});

test('a database that is starting up is asked again, and what was pipelined is not lost', async () => {
  const starting = failure('FATAL', '57P03', 'the database system is starting up');
  const server = await scripted((message, connection) =>
    message === 'p' && connection < 3 ? starting : wellBehaved(message),
  );
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const pool = new Pool({ connectionString: server.url });
  expect((await pool.query('SELECT 1')).rows).toEqual([{ n: 1 }]);
  expect(server.connections).toHaveLength(3);
  await pool.end();
});

test('what was aborted during the log-in is not sent by the attempt that follows', async () => {
  const starting = failure('FATAL', '57P03', 'the database system is starting up');
  const server = await scripted((message, connection) =>
    connection > 1 ? wellBehaved(message) : message === 'p' ? delay(100, starting) : undefined,
  );
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const client = new Client(server.url);
  const connecting = client.connect();
  await expect(client.query({ text: 'INSERT', query_timeout: 20 })).rejects.toMatchObject({ code: '57014' });
  await connecting;
  expect((await client.query('SELECT 1')).rows).toEqual([{ n: 1 }]);
  expect(server.connections[1]).toEqual(['startup', 'p', 'Q SELECT 1']);
  await client.end();
});

test('what may have run is not sent again', async () => {
  const server = await scripted((message) =>
    message[0] === 'Q' ? failure('FATAL', '57P01', 'terminating') : wellBehaved(message),
  );
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const pool = new Pool({ connectionString: server.url, query_timeout: 1_000 });
  await expect(pool.query('INSERT')).rejects.toMatchObject({ code: expect.stringMatching(/57P01|57014/) });
  expect(server.connections).toHaveLength(1);
  await pool.end();
});

test('a server that wants SASL although the password came unasked is asked for its dialogue', async () => {
  const sasl = packet('R', int32(10), 'SCRAM-SHA-256', new Uint8Array(1));
  const server = await scripted((message, connection) =>
    message === 'startup' && connection === 1
      ? sasl
      : message === 'startup'
        ? packet('R', int32(3))
        : wellBehaved(message),
  );
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const client = new Client(server.url);
  await client.connect();
  expect((await client.query('SELECT 1')).rows).toEqual([{ n: 1 }]);
  expect(server.connections[1]).toEqual(['startup', 'p', 'Q SELECT 1']);
  await client.end();
});

test('§9 a text message is an error, not a crash; unknown messages are ignored', async () => {
  const server = await scripted((message) =>
    message === 'Q text'
      ? 'text'
      : message === 'Q unknown'
        ? concat([packet('v', int32(0), int32(0)), packet('~'), oneRow])
        : wellBehaved(message),
  );
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const client = new Client(server.url);
  await client.connect();
  expect((await client.query('unknown')).rows).toEqual([{ n: 1 }]);
  await expect(client.query('text')).rejects.toMatchObject({
    kind: 'connection',
    message: expect.stringContaining('text message'),
  });
  const broken = await scripted((message) => (message === 'p' ? new Uint8Array([82, 0, 0, 0, 0]) : undefined));
  await expect(new Client(`${broken.url}?connect_timeout=0.3`).connect()).rejects.toMatchObject({
    kind: 'protocol',
    code: '08P01',
  });
});

test('a server that lets everybody in without its half of SCRAM is not believed', async () => {
  const sasl = packet('R', int32(10), 'SCRAM-SHA-256', new Uint8Array(1));
  const skipped = await scripted((message) => (message === 'startup' ? sasl : message === 'p' ? ok : undefined));
  const wrong = concat([packet('R', int32(12), encodeText('v=wrong')), ok]);
  const lying = await scripted((message) => (message === 'startup' ? sasl : message === 'p' ? wrong : undefined));
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon', pipelineConnect: false });
  for (const { url } of [skipped, lying])
    await expect(new Client(url).connect()).rejects.toMatchObject({ code: '28000' });
});

test('§9 a pool notices after a long silence that its client is half dead', async () => {
  const server = await scripted(wellBehaved); // does not answer Sync
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const pool = new Pool({ connectionString: server.url, idleTimeoutMillis: 0 });
  await pool.query('SELECT 1');
  await pool.query('SELECT 2');
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  vi.setSystemTime(Date.now() + 60_000);
  const next = pool.query('SELECT 3');
  await vi.advanceTimersByTimeAsync(5_000);
  vi.useRealTimers();
  expect((await next).rows).toEqual([{ n: 1 }]);
  expect(server.connections.map((messages) => messages.filter((message) => message !== 'X'))).toEqual([
    ['startup', 'p', 'Q SELECT 1', 'Q SELECT 2', 'S'],
    ['startup', 'p', 'Q SELECT 3'],
  ]);
  await pool.end();
});

test('§9 a dropped idle client: nobody has to listen, the reason is told to those who do', async () => {
  const server = await scripted(wellBehaved);
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const unheard = new Pool({ connectionString: server.url });
  const heard = new Pool({ connectionString: server.url });
  const errors: Error[] = [];
  heard.on('error', (error) => errors.push(error));
  const client = new Client(server.url);
  await client.connect();
  for (const pool of [unheard, heard]) await pool.query('SELECT 1');
  server.drop(4001, 'moved away');
  await expect.poll(() => errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ kind: 'connection', message: expect.stringContaining('4001 moved away') });
  await expect.poll(() => [unheard.totalCount, heard.totalCount, client.isUsable]).toEqual([0, 0, false]);
  for (const pool of [unheard, heard]) {
    expect((await pool.query('SELECT 1')).rows).toEqual([{ n: 1 }]);
    await pool.end();
  }
});

test('§9 a query with values is one write, at the end of its turn, without a Flush', async () => {
  const done = concat([packet('1'), packet('2'), oneRow]);
  const server = await scripted((message) => (message === 'S' ? done : wellBehaved(message)));
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const client = new Client(server.url);
  await client.connect();
  const before = server.received;
  await Promise.all([client.query('SELECT $1', [1]), client.query('SELECT $1', [2])]);
  expect(server.connections[0]?.slice(2)).toEqual(['P', 'B', 'D', 'E', 'S', 'P', 'B', 'D', 'E', 'S']);
  expect(server.received - before).toBe(1);
  await client.end();
});

test('§9 the functions that escape are there without a client', () => {
  expect([escapeIdentifier('a"b'), escapeLiteral("a'b")]).toEqual(['"a""b"', "'a''b'"]);
});

test('keepAlive asks while idle', async () => {
  const server = await scripted((message) => (message === 'S' ? packet('Z', encodeText('I')) : wellBehaved(message)));
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  const client = new Client({ connectionString: server.url, keepAlive: true, keepAliveInitialDelayMillis: 20 });
  await client.connect();
  await client.query('SELECT 1');
  await expect.poll(() => server.connections[0]?.filter((message) => message === 'S').length).toBeGreaterThan(1);
  await client.end();
});

test('a client that is ended before it could connect does not', async () => {
  const server = await scripted(wellBehaved);
  Object.assign(neonConfig, { webSocketConstructor: WebSocket, protocol: 'neon' });
  let give = (_password: string): void => {};
  const password = (): Promise<string> =>
    new Promise((resolve) => {
      give = resolve;
    });
  const client = new Client({ connectionString: server.url, password });
  const connecting = client.connect();
  const waiting = client.query('SELECT 1');
  await client.end();
  give('p');
  await expect(connecting).rejects.toMatchObject({ code: '08003' });
  await expect(waiting).rejects.toMatchObject({ code: '08003' });
  expect(server.connections).toEqual([]);
});

test('messages cut and joined anywhere', async () => {
  const { createDecoder } = await import('../ws/packet.ts');
  const bytes = concat([ok, oneRow, packet('D', new Uint8Array(3000)), oneRow]);
  const read = (sizes: number[]): string => {
    let seen = '';
    const push = createDecoder((type, body) => {
      seen += `${type}${body.length}:${body.at(-1)} `;
    });
    for (let at = 0, index = 0; at < bytes.length; index++) {
      const size = sizes[index % sizes.length] ?? 1;
      push(bytes.slice(at, at + size));
      at += size;
    }
    return seen;
  };
  const whole = read([bytes.length]);
  for (const sizes of [[1], [2], [3, 7], [5], [100, 1], [2999, 4], [64]]) expect(read(sizes)).toBe(whole);
});
