// Streams over real sockets.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createSocketStream, type SocketStream } from './socket-stream.ts';

const opened: (Socket | Server)[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) 'destroy' in one ? one.destroy() : one.close();
});

interface Pair {
  readonly stream: SocketStream;
  /** The other end; paused. */
  readonly peer: Socket;
}

async function openPair(): Promise<Pair> {
  const server = createServer();
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const peer = connect({ host: '127.0.0.1', port: address.port });
  peer.pause();
  const socket = await accepted;
  opened.push(peer, socket);
  return { stream: createSocketStream(socket, { security: 'loopback' }), peer };
}

function collect(peer: Socket): { bytes: () => Buffer } {
  const parts: Buffer[] = [];
  peer.on('data', (chunk) => void parts.push(chunk));
  peer.resume();
  return { bytes: () => Buffer.concat(parts) };
}

describe('a stream over a socket', () => {
  it('delivers small writes at once and keeps no memory', async () => {
    const { stream, peer } = await openPair();
    const memory = new Uint8Array(100);
    for (let n = 0; n < 50; n++) {
      memory.fill(n);
      expect(stream.write(memory)).toBe(true);
      expect(stream.bufferedBytes).toBe(0);
    }
    expect(stream.sentBytes).toBe(5_000);
    const { bytes } = collect(peer);
    await expect.poll(() => bytes().length).toBe(5_000);
    expect(bytes().every((byte, index) => byte === Math.floor(index / 100))).toBe(true);
  });

  it('keeps the order of all ways to write while the peer does not read, and tells when it has', async () => {
    const { stream, peer } = await openPair();
    const sent: Uint8Array[] = [];
    let drains = 0;
    stream.onDrain = () => {
      drains++;
      expect(stream.bufferedBytes).toBe(0);
    };
    const write = (bytes: Uint8Array, head?: Uint8Array): boolean => {
      if (head !== undefined) sent.push(head);
      sent.push(bytes);
      return head === undefined ? stream.write(bytes) : stream.writeBehind(head, bytes);
    };
    for (let n = 0; n < 200 || stream.bufferedBytes === 0; n++) {
      write(new Uint8Array(40_000).fill(n), n % 3 === 0 ? new Uint8Array(10).fill(255) : undefined);
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(stream.bufferedBytes).toBeGreaterThan(0);
    expect(write(new Uint8Array(1))).toBe(false);
    const expected = Buffer.concat(sent);
    const { bytes } = collect(peer);
    await expect.poll(() => bytes().length, { timeout: 10_000 }).toBe(expected.length);
    expect(bytes().equals(expected)).toBe(true);
    await expect.poll(() => drains).toBe(1);
    expect(stream.sentBytes).toBe(expected.length);
    // And it goes on as before.
    expect(stream.write(new Uint8Array(10))).toBe(true);
    await expect.poll(() => bytes().length).toBe(expected.length + 10);
  });

  it('sends everything before it ends', async () => {
    const { stream, peer } = await openPair();
    let written = 0;
    while (stream.bufferedBytes === 0) {
      stream.write(new Uint8Array(500_000));
      written += 500_000;
    }
    stream.end();
    const { bytes } = collect(peer);
    await new Promise((resolve) => peer.once('end', resolve));
    expect(bytes().length).toBe(written);
  });

  it('closes with an error when the peer is gone, however much it still had to take', async () => {
    const { stream, peer } = await openPair();
    const closed = new Promise<Error | undefined>((resolve) => {
      stream.onClose = resolve;
    });
    let drains = 0;
    stream.onDrain = () => void drains++;
    while (stream.bufferedBytes === 0) stream.write(new Uint8Array(500_000));
    peer.resetAndDestroy();
    expect(await closed).toBeInstanceOf(Error);
    expect(drains).toBe(0);
    expect(stream.write(new Uint8Array(10))).toBe(true);
  });

  it('may be destroyed with a write under way', async () => {
    const { stream, peer } = await openPair();
    const closed = new Promise((resolve) => {
      stream.onClose = resolve;
    });
    while (stream.bufferedBytes === 0) stream.write(new Uint8Array(500_000));
    stream.destroy();
    expect(await closed).toBeUndefined();
    const { bytes } = collect(peer);
    await new Promise((resolve) => peer.once('close', resolve));
    expect(bytes().length).toBeGreaterThan(0);
  });
});
