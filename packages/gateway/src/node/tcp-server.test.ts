// TCP and TLS on a real port, with an engine that only pretends.
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { connectRaw, connectStream, streamFromSocket } from '@postern/testkit';
import { createMessageReader, decodeErrorFields, encodeSslRequest, encodeStartupMessage } from '@postern/wire';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { type AdmissionOptions, createAdmission } from '../startup/admission.ts';
import { createStartupFixture, type StartupFixture, type StartupFixtureOptions } from '../startup/startup.fixture.ts';
import { createTcpFrontend } from '../tcp/tcp-frontend.ts';
import { testCertificate } from './certificate.fixture.ts';
import { createTcpServer, type TcpServer } from './tcp-server.ts';

const servers: TcpServer[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { server, destroyConnections } of servers.splice(0)) {
    server.close();
    destroyConnections();
  }
});

interface Opened extends StartupFixture {
  port: number;
}

async function open(
  options: StartupFixtureOptions & { isTls?: boolean; admission?: AdmissionOptions } = {},
): Promise<Opened> {
  const { isTls = true, admission, ...rest } = options;
  const fixture = createStartupFixture(rest);
  const { accept, log } = fixture;
  const tcp = createTcpServer({
    frontend: createTcpFrontend({
      accept,
      admission: createAdmission(admission),
      log: (event) => void log.push({ ...event }),
      ownPorts: () => [4444, 6432],
    }),
    tls: isTls ? testCertificate : undefined,
  });
  servers.push(tcp);
  await new Promise<void>((resolve) => tcp.server.listen(0, '127.0.0.1', resolve));
  const address = tcp.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { ...fixture, port: address.port };
}

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket));
    socket.on('error', reject);
    sockets.push(socket);
  });
}

function openTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      ca: testCertificate.cert,
      servername: 'localhost',
      ...options,
    });
    sockets.push(socket);
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

/** Everything until the peer closes. */
function readAll(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    socket.on('data', (chunk) => void parts.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

function errorIn(bytes: Uint8Array): { code: string; message: string } {
  let found: Uint8Array | undefined;
  const reader = createMessageReader({
    maxMessageBytes: 100_000,
    onMessage(_, body) {
      found ??= body.slice();
    },
  });
  reader.push(bytes);
  return decodeErrorFields(found!);
}

const alice = { user: 'alice', password: 'secret', database: 'app' };

describe('TLS', () => {
  it('serves pg with sslmode=verify-full, and large data', async () => {
    const { port } = await open();
    const client = new pg.Client({ ...alice, host: 'localhost', port, ssl: { ca: testCertificate.cert } });
    await client.connect();
    const { rows } = await client.query('x'.repeat(500_000));
    expect(rows).toEqual([{ answer: 'alice@app: 500000' }]);
    await client.end();
  });

  it('starts at once when the client names the protocol', async () => {
    const { port, engine } = await open();
    const socket = await openTls(port, { ALPNProtocols: ['postgresql'] });
    const client = await connectRaw({ ...alice, stream: streamFromSocket(socket) });
    expect(await client.query('select 1')).toEqual([['alice@app: select 1']]);
    expect(engine.sessions[0]?.stream.security).toBe('tls');
    await client.end();
  });

  it.each([
    ['none', {}],
    ['another', { ALPNProtocols: ['http/1.1'] }],
  ])('refuses a direct handshake with %s protocol named', async (_, options) => {
    const { port, engine } = await open();
    const refused = openTls(port, options).then(
      (socket) => readAll(socket).then((bytes) => bytes.length),
      () => 0,
    );
    expect(await refused).toBe(0);
    expect(engine.sessions).toHaveLength(0);
    // The gateway still serves others.
    await (await connectRaw({ ...alice, port })).end();
  });

  it('picks the endpoint by the name in the handshake', async () => {
    const { port, engine } = await open({
      endpoints: [
        { name: 'one', databaseUrl: 'postgres://db1/app' },
        { name: 'localhost', databaseUrl: 'postgres://db2/app' },
      ],
    });
    const socket = await openTls(port, { ALPNProtocols: ['postgresql'] });
    await (await connectRaw({ ...alice, stream: streamFromSocket(socket) })).end();
    expect(engine.sessions[0]?.target.host).toBe('db2');
  });

  it('drops a peer that says something else after its TLS request', async () => {
    const { port, engine } = await open();
    const socket = await openSocket(port);
    const all = readAll(socket);
    socket.write(encodeSslRequest());
    await new Promise((resolve) => socket.once('data', resolve));
    socket.write(encodeStartupMessage({ parameters: [['user', 'alice']] }));
    const bytes = await all;
    expect(bytes[0]).toBe(0x53);
    expect(bytes.includes('alice')).toBe(false);
    expect(engine.sessions).toHaveLength(0);
  });

  it('refuses bytes that came in the clear together with the TLS request', async () => {
    const { port } = await open();
    const socket = await openSocket(port);
    const all = readAll(socket);
    socket.write(Buffer.concat([encodeSslRequest(), encodeStartupMessage({ parameters: [['user', 'alice']] })]));
    expect(errorIn(await all)).toMatchObject({ code: '08P01', message: expect.stringContaining('unencrypted') });
  });

  it('gives up on a handshake that does not go on', async () => {
    const { port } = await open();
    const socket = await openSocket(port);
    const all = readAll(socket);
    socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), Buffer.alloc(200)]));
    // A handshake of zeros is none; whatever the alert says, the connection ends.
    await all;
  });
});

describe('without a certificate', () => {
  it('declines, and the client may go on in the clear', async () => {
    const { port } = await open({ isTls: false });
    const stream = await connectStream('127.0.0.1', port);
    stream.write(encodeSslRequest());
    const answer = await new Promise<number | undefined>((resolve) => {
      stream.onData = (bytes) => {
        resolve(bytes[0]);
        return undefined;
      };
    });
    expect(answer).toBe(0x4e);
    const client = await connectRaw({ ...alice, stream });
    expect(await client.query('select 1')).toEqual([['alice@app: select 1']]);
    await client.end();
  });
});

describe('strangers', () => {
  it('an HTTP request gets an error as HTTP, and everybody else is served', async () => {
    const { port, log } = await open();
    const response = await fetch(`http://127.0.0.1:${port}/sql`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(response.status).toBe(400);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const message = 'this port serves the Postgres protocol; HTTP and WebSocket are served at port 4444, --http';
    expect(await response.json()).toMatchObject({ code: '08P01', gatewayCode: 'protocol_violation', message });
    expect(log).toMatchObject([{ event: 'caller_refused', transport: 'tcp', code: 'protocol_violation', message }]);
    await (await connectRaw({ ...alice, port })).end();
  });

  it.each([['PROXY TCP4 10.0.0.1 10.0.0.2 5000 6432\r\n'], ['\r\n\r\n\0\r\nQUIT\n']])(
    'a proxy that begins with %j is told that this is not read',
    async (header) => {
      const { port, log } = await open();
      const socket = await openSocket(port);
      const all = readAll(socket);
      socket.write(header);
      const message = 'a header of the PROXY protocol came first, which is not read here';
      expect(errorIn(await all)).toMatchObject({ code: '08P01', message });
      expect(log).toMatchObject([{ event: 'caller_refused', code: 'protocol_violation', message }]);
    },
  );

  it('hear the error even though they keep sending', async () => {
    const { port } = await open();
    const socket = await openSocket(port);
    const all = readAll(socket);
    for (let n = 0; n < 100; n++) socket.write(Buffer.alloc(10_000));
    expect(errorIn(await all)).toMatchObject({ code: '08P01' });
  });

  it('one too many hears that', async () => {
    const { port } = await open({ admission: { maxCallers: 1 } });
    const client = await connectRaw({ ...alice, port });
    const socket = await openSocket(port);
    expect(errorIn(await readAll(socket))).toMatchObject({ code: '53300' });
    await client.end();
    await expect.poll(async () => (await connectRaw({ ...alice, port })).processId).toBe(2);
  });
});
