// WebSockets on a real port, with an engine that only pretends. Frames are also written by hand, as a stranger would.
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createFakeClock, type FakeClock } from '@postern/testkit';
import {
  concatBytes,
  createMessageReader,
  decodeErrorFields,
  encodePassword,
  encodeQuery,
  encodeStartupMessage,
  encodeTerminate,
} from '@postern/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type AdmissionOptions, createAdmission } from '../startup/admission.ts';
import { createStartupFixture, type StartupFixture } from '../startup/startup.fixture.ts';
import { createWebSocketFrontend } from '../ws/websocket-frontend.ts';
import { createWebSocketUpgrade } from './websocket-upgrade.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

interface Opened extends StartupFixture {
  port: number;
  clock: FakeClock;
}

async function open(options: { maxMessageBytes?: number; admission?: AdmissionOptions } = {}): Promise<Opened> {
  const { maxMessageBytes = 1_000_000 } = options;
  const clock = createFakeClock();
  const fixture = createStartupFixture({ clock });
  const frontend = createWebSocketFrontend({
    accept: fixture.accept,
    admission: createAdmission(options.admission),
    clock,
    log: (event) => void fixture.log.push({ ...event }),
    maxMessageBytes,
    closeTimeoutMs: 500,
  });
  const server = createServer((_, response) => void response.end());
  server.on('upgrade', createWebSocketUpgrade({ frontend }));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { ...fixture, clock, port: address.port };
}

interface Connected {
  socket: WebSocket;
  /** Sizes of the frames received. */
  frames: () => number[];
  received: () => Uint8Array;
  closed: Promise<{ code: number; reason: string }>;
}

async function connectWebSocket(port: number): Promise<Connected> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v2`);
  const frames: Uint8Array[] = [];
  socket.on('message', (data, isBinary) => {
    if (!isBinary) throw new Error('the gateway sent text');
    frames.push(data as Uint8Array);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    frames: () => frames.map((frame) => frame.length),
    received: () => concatBytes(frames),
    closed,
  };
}

/** A WebSocket whose frames we write ourselves. */
async function upgradeByHand(
  port: number,
  path = '/v2',
  headers = '',
): Promise<{ socket: Socket; head: string; bytes: () => Buffer }> {
  const socket = connect({ host: '127.0.0.1', port });
  sockets.push(socket);
  socket.on('error', () => {});
  const parts: Buffer[] = [];
  socket.on('data', (chunk) => void parts.push(chunk));
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${headers}\r\n`,
  );
  await expect.poll(() => Buffer.concat(parts).includes('\r\n\r\n')).toBe(true);
  const all = Buffer.concat(parts);
  const end = all.indexOf('\r\n\r\n') + 4;
  return { socket, head: all.subarray(0, end).toString(), bytes: () => Buffer.concat(parts).subarray(end) };
}

function frame(opcode: number, payload: Uint8Array, { isMasked = true, first = 0x80 } = {}): Buffer {
  const header = Buffer.from([first | opcode, (isMasked ? 0x80 : 0) | payload.length]);
  if (!isMasked) return Buffer.concat([header, payload]);
  return Buffer.concat([header, Buffer.alloc(4), payload]);
}

/** The first ErrorResponse in these bytes. */
function errorIn(bytes: Uint8Array): { code: string; message: string; severity: string } {
  let found: Uint8Array | undefined;
  const reader = createMessageReader({
    maxMessageBytes: 1_000_000,
    onMessage(code, body) {
      if (code === 0x45) found ??= body.slice();
    },
  });
  reader.push(bytes);
  if (found === undefined) throw new Error('no error among the messages');
  return decodeErrorFields(found);
}

const hello = concatBytes([encodeStartupMessage({ parameters: [['user', 'alice']] }), encodePassword('secret')]);

describe('the upgrade', () => {
  it('accepts neither extension nor subprotocol', async () => {
    const { port } = await open();
    const { head } = await upgradeByHand(
      port,
      '/v2',
      'Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: one, two\r\n',
    );
    expect(head).toMatch(/^HTTP\/1.1 101 /);
    expect(head.toLowerCase()).not.toMatch(/sec-websocket-(extensions|protocol)/);
  });

  it.each(['/v1', '/v2', '/v2/', '/v2?pooled=true', '/v1?address=localhost:4444'])('is served at %s', async (path) => {
    const { port } = await open();
    expect((await upgradeByHand(port, path)).head).toMatch(/^HTTP\/1.1 101 /);
  });

  it.each(['/', '/v3', '/v22', '/sql', '/v2/x'])('is not served at %s', async (path) => {
    const { port } = await open();
    const { head, bytes } = await upgradeByHand(port, path);
    expect(head).toMatch(/^HTTP\/1.1 404 /);
    expect(bytes().toString()).toContain('/v2');
  });
});

describe('a session', () => {
  it('is a byte stream: messages may be cut and joined anywhere', async () => {
    const { port } = await open();
    const { socket, bytes } = await upgradeByHand(port);
    for (const byte of concatBytes([hello, encodeQuery('select 1')])) socket.write(frame(2, Uint8Array.of(byte)));
    await expect.poll(() => bytes().toString()).toContain('alice@alice: select 1');
  });

  it('sends frames of at most 64 KiB', async () => {
    const { port, engine } = await open();
    const { socket, frames, received, closed } = await connectWebSocket(port);
    socket.send(hello);
    await expect.poll(() => engine.sessions.length).toBe(1);
    // What came before the session must be here to be subtracted.
    await expect.poll(() => received().length).toBeGreaterThan(0);
    const before = received().length;
    const big = new Uint8Array(200_000).fill(0x61);
    engine.sessions[0]?.stream.write(big);
    await expect.poll(() => received().length - before).toBe(big.length);
    expect(Math.max(...frames())).toBe(65_536);
    socket.send(encodeTerminate());
    expect(await closed).toEqual({ code: 1000, reason: '' });
  });

  it('holds the caller back while paused, and loses nothing', async () => {
    const { port, engine } = await open();
    const { socket } = await connectWebSocket(port);
    socket.send(hello);
    await expect.poll(() => engine.sessions.length).toBe(1);
    const { stream } = engine.sessions[0]!;
    const seen: number[] = [];
    stream.onData = (bytes) => {
      seen.push(...bytes);
      stream.pause();
      setTimeout(() => stream.resume(), 1);
      return undefined;
    };
    for (let n = 0; n < 50; n++) socket.send(Uint8Array.of(n));
    await expect.poll(() => seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('tells the engine when a slow reader holds bytes, and when they are gone', async () => {
    const { port, engine } = await open();
    const { socket } = await connectWebSocket(port);
    socket.send(hello);
    await expect.poll(() => engine.sessions.length).toBe(1);
    const { stream } = engine.sessions[0]!;
    socket.pause();
    const drained = new Promise<void>((resolve) => {
      stream.onDrain = () => resolve();
    });
    while (stream.write(new Uint8Array(1_000_000))) {}
    expect(stream.bufferedBytes).toBeGreaterThan(0);
    socket.resume();
    await drained;
    expect(stream.bufferedBytes).toBe(0);
  });

  it('tells the engine when the caller vanishes', async () => {
    const { port, engine, log } = await open();
    const { socket, bytes } = await upgradeByHand(port);
    socket.write(frame(2, hello));
    // With the greeting unread, leaving would be a reset.
    await expect.poll(() => bytes().at(-1)).toBe('I'.charCodeAt(0));
    const closed = new Promise<Error | undefined>((resolve) => {
      engine.sessions[0]!.stream.onClose = resolve;
    });
    socket.destroy();
    expect(await closed).toMatchObject({ message: expect.stringContaining('without a close frame') });
    expect(log.map(({ event }) => event)).toEqual(['session_started', 'session_ended']);
  });
});

describe('a caller that breaks the rules hears why, in Postgres’ words', () => {
  it('text', async () => {
    const { port, log } = await open();
    const { socket, received, closed } = await connectWebSocket(port);
    socket.send('SELECT 1');
    expect(await closed).toEqual({ code: 1003, reason: 'binary messages only' });
    expect(errorIn(received())).toMatchObject({
      severity: 'FATAL',
      code: '08P01',
      message: expect.stringContaining('text'),
    });
    expect(log).toMatchObject([{ event: 'caller_refused', transport: 'ws', code: 'text_frame' }]);
  });

  it('text in the middle of a session, which the engine sees end', async () => {
    const { port, engine } = await open();
    const { socket, received, closed } = await connectWebSocket(port);
    socket.send(hello);
    await expect.poll(() => engine.sessions.length).toBe(1);
    const ended = new Promise<Error | undefined>((resolve) => {
      engine.sessions[0]!.stream.onClose = resolve;
    });
    socket.send('SELECT 1');
    expect((await closed).code).toBe(1003);
    expect(await ended).toMatchObject({ code: 'text_frame' });
    expect(errorIn(received()).code).toBe('08P01');
  });

  it('a message over the limit', async () => {
    const { port } = await open({ maxMessageBytes: 1_000 });
    const { socket, received, closed } = await connectWebSocket(port);
    socket.send(new Uint8Array(1_001));
    expect((await closed).code).toBe(1009);
    expect(errorIn(received())).toMatchObject({ code: '54000', message: expect.stringContaining('1000 bytes') });
  });

  it.each([
    ['an unmasked frame', frame(2, hello, { isMasked: false })],
    ['a reserved bit', frame(2, hello, { first: 0xc0 })],
    ['an opcode nobody knows', frame(5, hello)],
    ['a ping of 126 bytes', Buffer.concat([Buffer.from([0x89, 0xfe, 0, 126]), Buffer.alloc(4 + 126)])],
    ['a fragment of nothing', frame(0, hello)],
  ])('%s', async (_, bytes) => {
    const { port } = await open();
    const raw = await upgradeByHand(port);
    const ended = new Promise((resolve) => raw.socket.once('end', resolve));
    raw.socket.write(bytes);
    await ended;
    const answer = raw.bytes();
    expect([answer[0], answer.at(-4), answer.at(-3)]).toEqual([0x82, 0x88, 2]);
    expect(answer.readUInt16BE(answer.length - 2)).toBe(1002);
    expect(errorIn(answer.subarray(answer[1]! < 126 ? 2 : 4, -4))).toMatchObject({ severity: 'FATAL', code: '08P01' });
  });

  it('garbage where the start-up should be', async () => {
    const { port } = await open();
    const { socket, received, closed } = await connectWebSocket(port);
    socket.send(randomBytes(500).fill(0xff, 0, 4));
    expect((await closed).code).toBe(1002);
    expect(errorIn(received()).code).toBe('08P01');
  });

  it('one too many', async () => {
    const { port } = await open({ admission: { maxCallers: 1 } });
    await connectWebSocket(port);
    const { received, closed } = await connectWebSocket(port);
    expect((await closed).code).toBe(1013);
    expect(errorIn(received())).toMatchObject({ code: '53300', message: expect.stringContaining('1 callers') });
  });

  it('a stranger that sends far too much is dropped', async () => {
    const { port } = await open({ admission: { maxUnauthenticatedBytes: 200_000 } });
    const { socket } = await upgradeByHand(port);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x00, 0, 0, 0, 0]);
    socket.write(Buffer.concat([header, Buffer.alloc(400_000)]));
    await closed;
  });

  it('a start-up that never comes', async () => {
    const { port, clock } = await open();
    const { received, closed } = await connectWebSocket(port);
    await expect.poll(() => clock.pendingTimers).toBeGreaterThan(0);
    clock.advance(10_000);
    expect((await closed).code).toBe(1008);
    expect(errorIn(received()).code).toBe('57014');
  });
});

describe('pings', () => {
  it('find a caller that is gone, and leave one that answers', async () => {
    const { port, clock, engine } = await open();
    const alive = await connectWebSocket(port);
    alive.socket.send(hello);
    const silent = await upgradeByHand(port);
    silent.socket.write(frame(2, hello));
    await expect.poll(() => engine.sessions.length).toBe(2);
    const silentClosed = new Promise((resolve) => silent.socket.once('close', resolve));
    for (let beat = 0; beat < 3; beat++) {
      const pinged = new Promise((resolve) => alive.socket.once('ping', resolve));
      clock.advance(30_000);
      await pinged;
      // The pong has to cross the wire before the next beat.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await silentClosed;
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });
});
