// Many sessions on one WebSocket, through the whole gateway to a real Postgres.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { encodeHello, encodeSessionEnd, encodeSessionFrame, sessionLimits } from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { connectRaw, createTestDatabase, type RawClient, type TestDatabase } from '@postern/testkit';
import {
  concatBytes,
  createMessageReader,
  DatabaseError,
  encodeBind,
  encodeCancelRequest,
  encodeExecute,
  encodeParse,
  encodePassword,
  encodeQuery,
  encodeStartupMessage,
  encodeSync,
} from '@postern/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createMultiplexedClient, type MultiplexedClient } from '../ws/multiplexed-client.fixture.ts';
import { type RunningGateway, type StartGatewayOptions, startGateway } from './server.ts';

let database: TestDatabase;
const running: RunningGateway[] = [];
const clients: MultiplexedClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  await Promise.all(running.splice(0).map((gateway) => gateway.close(0)));
});

afterAll(() => database?.drop());

interface Opened {
  gateway: RunningGateway;
  port: number;
  log: Record<string, unknown>[];
  url: string;
}

async function open(options: Partial<StartGatewayOptions> = {}): Promise<Opened> {
  const log: Record<string, unknown>[] = [];
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    poolSize: 4,
    log: (event) => void log.push({ ...event }),
    ...options,
  });
  running.push(gateway);
  const { port } = gateway.httpAddress;
  return { gateway, port, log, url: `ws://127.0.0.1:${port}/v2?pooled=true` };
}

function newClient(): MultiplexedClient {
  const client = createMultiplexedClient();
  clients.push(client);
  return client;
}

async function connectClient(url: string): Promise<MultiplexedClient> {
  const client = newClient();
  await client.connect(url);
  return client;
}

function logIn(stream: ByteStream, password: string = database.password): Promise<RawClient> {
  return connectRaw({ stream, user: database.user, password, database: database.name });
}

/** StartupMessage, password and a query in one piece, as the driver sends them. */
function pipelinedStart(sql: string): Uint8Array {
  return concatBytes([
    encodeStartupMessage({
      parameters: [
        ['user', database.user],
        ['database', database.name],
      ],
    }),
    encodePassword(database.password),
    encodeQuery(sql),
  ]);
}

/** Texts of the rows until so many ReadyForQuery messages have come. */
function rowsUntilReady(stream: ByteStream, readies: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const rows: string[] = [];
    const reader = createMessageReader({
      maxMessageBytes: 1_000_000,
      onMessage(code, body) {
        if (code === 0x44) rows.push(new TextDecoder().decode(body.subarray(6)));
        if (code === 0x5a && --readies === 0) resolve(rows);
      },
    });
    stream.onData = (bytes) => {
      reader.push(bytes);
      return undefined;
    };
    stream.onClose = () => reject(new Error('closed'));
  });
}

const runningQueries = async (marker: string): Promise<number> => {
  const rows = await database.query<{ n: string }>(
    `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()`,
    [`%${marker}%`],
  );
  return Number(rows[0]?.n);
};

describe('the upgrade request', () => {
  it('carries start-up, password and query: the row comes with the answer', async () => {
    const { port } = await open();
    const hello = encodeHello(encodeSessionFrame(1, pipelinedStart("SELECT 'first row'")));
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
    });
    // Nothing but this is ever sent.
    socket.write(
      `GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: postern.v1, ${hello}\r\n\r\n`,
    );
    await expect.poll(() => answer).toContain('first row');
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    expect(answer).toMatch(/\r\nSec-WebSocket-Protocol: postern\.v1\r\n/);
    expect(answer).not.toContain('p.');
    socket.destroy();
  });

  it('carries several sessions, and any WebSocket client can send it', async () => {
    const { url } = await open();
    const client = newClient();
    const results = [1, 2, 3].map((n) => {
      const stream = client.open();
      stream.write(pipelinedStart(`SELECT 'row ' || ${n}`));
      return rowsUntilReady(stream, 2);
    });
    await client.connect(url);
    expect(await Promise.all(results)).toEqual([['row 1'], ['row 2'], ['row 3']]);
  });

  it('is refused with a hello that is none', async () => {
    const { url, log } = await open();
    for (const hello of ['p.a', `p.${'A'.repeat(8_196)}`, encodeHello(new Uint8Array(8))]) {
      const socket = new WebSocket(url, ['postern.v1', hello]);
      const code = await new Promise((resolve) => socket.on('close', resolve));
      expect(code).toBe(1002);
    }
    expect(log.filter(({ event }) => event === 'caller_refused').map(({ code }) => code)).toEqual([
      'protocol_violation',
      'protocol_violation',
      'protocol_violation',
    ]);
  });

  it('without the subprotocol gets the plain wire on the same path', async () => {
    const { url } = await open();
    for (const protocols of [[], ['postern.v2', 'p.abc']]) {
      const socket = new WebSocket(url, protocols);
      socket.on('error', () => {}); // a client may mind that none of its protocols was selected
      const text = await new Promise<string>((resolve) => {
        let all = '';
        socket.on('upgrade', ({ headers }) => {
          expect(headers['sec-websocket-protocol']).toBeUndefined();
          if (protocols.length > 0) resolve('plain row');
        });
        socket.on('open', () => socket.send(pipelinedStart("SELECT 'plain row'")));
        socket.on('message', (data) => {
          all += (data as Buffer).toString('latin1');
          if (all.includes('plain row')) resolve(all);
        });
      });
      expect(text).toContain('plain row');
      socket.terminate();
    }
  });
});

describe('sessions on one WebSocket', () => {
  it('ten of them work at the same time', async () => {
    const { url, gateway } = await open();
    const client = await connectClient(url);
    const sessions = await Promise.all(Array.from({ length: 10 }, () => logIn(client.open())));
    expect(new Set(sessions.map(({ processId }) => processId)).size).toBe(10);
    expect(gateway.stats()).toMatchObject({ callers: 11, sessions: { pooled: 10 } });
    const answers = await Promise.all(
      sessions.map(async (session, n) => {
        await session.query(`SET application_name = 'session ${n}'`);
        return session.query(`SELECT current_setting('application_name'), ${n} + 1`);
      }),
    );
    expect(answers).toEqual(Array.from({ length: 10 }, (_, n) => [[`session ${n}`, String(n + 1)]]));
    for (const session of sessions.slice(0, 5)) await session.end();
    expect(await sessions[9]?.query('SELECT 1')).toEqual([['1']]);
    await expect.poll(() => gateway.stats().callers).toBe(6);
    client.socket.close();
    await expect.poll(() => gateway.stats()).toMatchObject({ callers: 0, sessions: { pooled: 0 } });
  });

  it('one that waits does not hold up the others', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const [waiting, quick] = await Promise.all([logIn(client.open()), logIn(client.open())]);
    const slow = waiting.query("SELECT pg_sleep(0.2), 'slow'");
    for (let n = 0; n < 20; n++) expect(await quick.query('SELECT 1')).toEqual([['1']]);
    expect(await slow).toEqual([['', 'slow']]);
  });

  it('one that nobody reads stops at its window, and the others do not notice', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const [unread, quick] = await Promise.all([logIn(client.open()), logIn(client.open())]);
    unread.stream.pause();
    const rows = 20_000;
    unread.send(encodeQuery(`SELECT repeat('x', 1000) FROM generate_series(1, ${rows})`));
    await expect.poll(() => client.received.get(1)).toBe(sessionLimits.windowBytes);
    for (let n = 0; n < 50; n++) {
      const [[text] = []] = await quick.query("SELECT repeat('y', 100000)");
      expect(text).toHaveLength(100_000);
    }
    expect(client.received.get(1)).toBe(sessionLimits.windowBytes);
    unread.stream.resume();
    const messages = await unread.receive();
    expect(messages.filter(({ code }) => code === 0x44)).toHaveLength(rows);
  });

  it('take more than a window of data from the caller', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const session = await logIn(client.open());
    const text = 'ab'.repeat(2_500_000);
    const messages = await session.exchange(
      encodeParse('', 'SELECT length($1), md5($1)'),
      encodeBind({ parameters: [text] }),
      encodeExecute(),
      encodeSync(),
    );
    const row = messages.find(({ code }) => code === 0x44);
    const [expected] = await database.query<{ md5: string }>("SELECT md5(repeat('ab', 2500000)) AS md5");
    expect(new TextDecoder().decode(row?.body)).toContain('5000000');
    expect(new TextDecoder().decode(row?.body)).toContain(expected?.md5);
  });

  it('can be direct ones too', async () => {
    const { port, gateway } = await open();
    const client = await connectClient(`ws://127.0.0.1:${port}/v2`);
    const session = await logIn(client.open());
    expect(gateway.stats().sessions).toEqual({ pooled: 0, direct: 1 });
    const rows = await session.query("SELECT repeat('x', 1000) FROM generate_series(1, 5000)");
    expect(rows).toHaveLength(5_000);
  });

  it('a wrong password ends one session with the error, the others live', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const good = await logIn(client.open());
    await expect(logIn(client.open(), 'wrong')).rejects.toBeInstanceOf(DatabaseError);
    expect(await good.query('SELECT 1')).toEqual([['1']]);
  });

  it('one that leaves is cancelled', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const [leaving, staying] = await Promise.all([logIn(client.open()), logIn(client.open())]);
    leaving.send(encodeQuery('SELECT pg_sleep(60) /* leaving */'));
    await expect.poll(() => runningQueries('leaving')).toBe(1);
    leaving.stream.end();
    await expect.poll(() => runningQueries('leaving')).toBe(0);
    expect(await staying.query('SELECT 1')).toEqual([['1']]);
  });

  it('one cancels another', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const session = await logIn(client.open());
    const slow = session.query('SELECT pg_sleep(60) /* cancelled */');
    await expect.poll(() => runningQueries('cancelled')).toBe(1);
    const canceller = client.open();
    const closed = new Promise<void>((resolve) => {
      canceller.onClose = () => resolve();
    });
    canceller.write(encodeCancelRequest(session.processId, session.secretKey));
    await expect(slow).rejects.toMatchObject({ code: '57014' });
    await closed;
  });

  it('over a WebSocket that breaks all end', async () => {
    const { url, gateway } = await open();
    const client = await connectClient(url);
    const session = await logIn(client.open());
    session.send(encodeQuery('SELECT pg_sleep(60) /* broken */'));
    await expect.poll(() => runningQueries('broken')).toBe(1);
    client.socket.terminate();
    await expect.poll(() => runningQueries('broken')).toBe(0);
    await expect.poll(() => gateway.stats().callers).toBe(0);
  });
});

describe('the WebSocket is closed', () => {
  it.each([
    ['for garbage', new Uint8Array(8)],
    ['for a frame too long', Uint8Array.of(0, 0, 0, 9, 0xff, 0, 0, 0)],
    ['for credit that was not used', encodeSessionFrame(0, text('{"type":"credit","session":1,"bytes":5000000}'))],
  ])('%s with 1002, its sessions with it', async (_, frames) => {
    const { url, gateway } = await open();
    const client = await connectClient(url);
    const session = await logIn(client.open());
    client.send(frames);
    const { code, reason } = await client.closed;
    expect(code).toBe(1002);
    expect(reason).not.toBe('');
    await session.closed;
    await expect.poll(() => gateway.stats().callers).toBe(0);
  });

  it('for a text message with 1003, and nothing that could be taken for a frame', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    await logIn(client.open());
    const before = client.received.get(1);
    client.socket.send('hello');
    expect(await client.closed).toEqual({ code: 1003, reason: 'binary messages only' });
    expect(client.received.get(1)).toBe(before);
  });

  it('for a message too long with 1009', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    client.send(new Uint8Array(sessionLimits.maxMessageBytes + 1));
    expect((await client.closed).code).toBe(1009);
  });

  it('for more sessions than allowed', async () => {
    const { url } = await open();
    const client = await connectClient(url);
    const startUp = Uint8Array.of(0, 0, 0);
    for (let id = 1; id <= sessionLimits.maxSessions; id++) client.send(encodeSessionFrame(id, startUp));
    client.send(encodeSessionEnd(1), encodeSessionFrame(300, startUp), encodeSessionFrame(301, startUp));
    expect(await client.closed).toEqual({ code: 1002, reason: 'more than 256 sessions at once' });
  });

  it('when the gateway shuts down, after its sessions were told', async () => {
    const { url, gateway } = await open();
    const client = await connectClient(url);
    const session = await logIn(client.open());
    const goodbye = session.receive(0x45);
    const closing = gateway.close(1_000);
    expect(new TextDecoder().decode((await goodbye).at(-1)?.body)).toContain('57P01');
    expect(await client.closed).toMatchObject({ code: 1001 });
    await closing;
  });
});

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
