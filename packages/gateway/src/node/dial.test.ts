import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { type ByteStream, FinalDialError, type Target } from '@postern/pool';
import { afterEach, describe, expect, it } from 'vitest';
import { testCertificate } from './certificate.fixture.ts';
import { createDial } from './dial.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function target(port: number, tls: Target['tls'] = 'disable'): Target {
  return { host: '127.0.0.1', port, database: 'd', tls };
}

/** Collects what a stream receives until `done` says it is enough. */
function collect(stream: ByteStream, isEnough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.onData = (bytes) => {
      text += new TextDecoder().decode(bytes);
      if (isEnough(text)) resolve(text);
      return undefined;
    };
    stream.onClose = (error) => reject(error ?? new Error(`closed after ${text.length} bytes`));
  });
}

const acceptTls = (socket: Socket): void => {
  socket.once('data', () => {
    socket.write('S');
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ cert: testCertificate.cert, key: testCertificate.key }),
    });
    secure.on('error', () => {});
    secure.pipe(secure);
  });
};

describe('createDial', () => {
  it('opens a plain stream both ways', async () => {
    const port = await listen((socket) => socket.pipe(socket));
    const stream = await createDial()(target(port));
    const received = collect(stream, (text) => text === 'hello');
    stream.write(new TextEncoder().encode('hello'));
    expect(await received).toBe('hello');
    expect(stream.security).toBe('loopback');
    stream.destroy();
  });

  it('names target and reason when nobody listens', async () => {
    const port = await listen(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await expect(createDial()(target(port))).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('gives up on a server that never answers the TLS request', async () => {
    const port = await listen(() => {});
    await expect(createDial({ connectTimeoutMs: 20 })(target(port, 'prefer'))).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
  });

  it('reports a server that hangs up on the TLS request', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.end()));
    await expect(createDial()(target(port, 'prefer'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('goes on in plain text when TLS is only preferred', async () => {
    const port = await listen((socket) => {
      socket.once('data', () => {
        socket.write('N');
        socket.pipe(socket);
      });
    });
    const stream = await createDial()(target(port, 'prefer'));
    const received = collect(stream, (text) => text === 'x');
    stream.write(Uint8Array.of(0x78));
    expect(await received).toBe('x');
    stream.destroy();
    const refused = await createDial()(target(port, 'require')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'POSTGRES_WITHOUT_TLS' });
    expect(refused).toBeInstanceOf(FinalDialError);
  });

  it('encrypts when the server can, and checks the certificate only for verify-full', async () => {
    const port = await listen(acceptTls);
    const stream = await createDial()(target(port, 'prefer'));
    expect(stream.security).toBe('tls');
    const received = collect(stream, (text) => text.length === 200_000);
    stream.write(new TextEncoder().encode('y'.repeat(200_000)));
    expect(await received).toMatch(/^y+$/);
    stream.destroy();
    const refused = await createDial()(target(port, 'verify-full')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(refused).toBeInstanceOf(FinalDialError);
    const folder = mkdtempSync(join(tmpdir(), 'dial-'));
    try {
      const rootCertificates = join(folder, 'root.pem');
      const verified: Target = { ...target(port, 'verify-full'), host: 'localhost', rootCertificates };
      const unread = await createDial()(verified).catch((error: unknown) => error);
      expect(unread).toMatchObject({ code: 'ENOENT', message: expect.stringContaining(rootCertificates) });
      expect(unread).toBeInstanceOf(FinalDialError);
      writeFileSync(rootCertificates, testCertificate.cert);
      const trusted = await createDial()(verified);
      expect(trusted.security).toBe('tls');
      trusted.destroy();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses bytes slipped in behind the answer to the TLS request', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.write('SE')));
    await expect(createDial()(target(port, 'require'))).rejects.toThrow('unexpected bytes');
  });

  it('reads into other memory after the owner kept what it was given', async () => {
    let serverSide: Socket | undefined;
    const port = await listen((socket) => {
      serverSide = socket;
      socket.once('data', () => socket.write('first'));
    });
    const stream = await createDial()(target(port));
    stream.write(Uint8Array.of(0));
    const kept: Uint8Array[] = [];
    await new Promise<void>((resolve) => {
      stream.onData = (bytes) => {
        kept.push(bytes);
        if (kept.length === 1) serverSide?.write('second');
        else resolve();
        return true;
      };
    });
    expect(kept.map((bytes) => new TextDecoder().decode(bytes))).toEqual(['first', 'second']);
    stream.destroy();
  });

  it('stops reading while paused and tells of the end exactly once', async () => {
    let serverSide: Socket | undefined;
    const port = await listen((socket) => {
      serverSide = socket;
      socket.once('data', () => socket.write('a'));
    });
    const stream = await createDial()(target(port));
    stream.write(Uint8Array.of(0));
    const seen: string[] = [];
    const closed = new Promise<Error | undefined>((resolve) => {
      stream.onClose = (error) => {
        seen.push('close');
        resolve(error);
      };
    });
    await new Promise<void>((resolve) => {
      stream.onData = (bytes) => {
        seen.push(new TextDecoder().decode(bytes));
        if (seen.length > 1) return undefined;
        stream.pause();
        serverSide?.write('b', () => setImmediate(resolve));
        return undefined;
      };
    });
    expect(seen).toEqual(['a']);
    serverSide?.end();
    stream.resume();
    expect(await closed).toBeUndefined();
    expect(seen).toEqual(['a', 'b', 'close']);
    stream.end();
    stream.destroy();
    expect(stream.write(Uint8Array.of(1))).toBe(true);
  });
});

describe('write', () => {
  it('says false while a slow peer holds bytes back, then drains', async () => {
    let serverSide: Socket | undefined;
    const port = await listen((socket) => {
      serverSide = socket;
      socket.pause();
    });
    const stream = await createDial()(target(port));
    const block = new Uint8Array(1_048_576);
    let writes = 1;
    while (stream.write(block)) writes += 1;
    expect(stream.bufferedBytes).toBeGreaterThan(0);
    const drained = new Promise<void>((resolve) => {
      stream.onDrain = () => resolve();
    });
    let received = 0;
    serverSide?.on('data', (chunk: Uint8Array) => {
      received += chunk.length;
    });
    serverSide?.resume();
    await drained;
    expect(stream.bufferedBytes).toBe(0);
    const total = writes * block.length;
    await expect.poll(() => received).toBe(total);
    stream.destroy();
  });
});
