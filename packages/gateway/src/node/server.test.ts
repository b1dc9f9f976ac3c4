// The whole gateway on real ports in front of a real Postgres, used by clients nobody changed.
import { once } from 'node:events';
import { get } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Client, neon, neonConfig, Pool } from '@neondatabase/serverless';
import { connectRaw, createTestDatabase, type TestDatabase } from '@postern/testkit';
import { encodeCancelRequest } from '@postern/wire';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { testCertificate } from './certificate.fixture.ts';
import { type RunningGateway, type StartGatewayOptions, startGateway } from './server.ts';

const loopback = { host: '127.0.0.1', port: 0 };
let database: TestDatabase;
const running: RunningGateway[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`CREATE ROLE ${guest} LOGIN PASSWORD 'gu€st'`);
});

afterEach(async () => {
  // The driver's end() does not wait for its goodbye to arrive.
  try {
    await expect.poll(() => running.reduce((callers, gateway) => callers + gateway.stats().callers, 0)).toBe(0);
  } finally {
    // One test's leftovers are not the next one's.
    await Promise.all(running.splice(0).map((gateway) => gateway.close(0)));
  }
});

afterAll(async () => {
  await database?.drop();
  // Roles belong to the cluster, which other test files use too.
  const other = await createTestDatabase();
  await other.query(`DROP ROLE IF EXISTS ${guest}`);
  await other.drop();
});

const guest = `guest_${process.pid}`;

interface Opened {
  gateway: RunningGateway;
  log: Record<string, unknown>[];
  http: number;
  tcp: number;
  /** A connection string through the gateway. */
  url: (options?: { user?: string; password?: string; port?: number; query?: string; host?: string }) => string;
  /** Points the official driver at this gateway; its settings are global. */
  configure: (settings?: Partial<typeof neonConfig>) => void;
}

async function open(options: Partial<StartGatewayOptions> = {}): Promise<Opened> {
  const log: Record<string, unknown>[] = [];
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: loopback,
    tcp: loopback,
    log: (event) => void log.push({ ...event }),
    ...options,
  });
  running.push(gateway);
  const http = gateway.httpAddress.port;
  const tcp = gateway.tcpAddress?.port ?? 0;
  return {
    gateway,
    log,
    http,
    tcp,
    url({ user = database.user, password = database.password, port = tcp, query = '', host = '127.0.0.1' } = {}) {
      return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database.name}${query}`;
    },
    configure(settings = {}) {
      Object.assign(neonConfig, {
        webSocketConstructor: WebSocket,
        useSecureWebSocket: false,
        pipelineConnect: 'password',
        coalesceWrites: true,
        wsProxy: (host: string) => `${host}:${http}/v2`,
        fetchEndpoint: `http://127.0.0.1:${http}/sql`,
        ...settings,
      });
    },
  };
}

describe('the official driver over WebSocket', () => {
  it.each([
    ['pipelined', 'auto', {}],
    ['pipelined, one message per write', 'auto', { coalesceWrites: false }],
    ['asked for its password', 'auto', { pipelineConnect: false }],
    ['challenged with SCRAM', 'scram', { pipelineConnect: false }],
    ['pipelined though SCRAM is configured', 'scram', {}],
  ] as const)('%s', async (_, authMethod, settings) => {
    const { configure, url } = await open({ authMethod });
    configure(settings);
    const client = new Client(url());
    await client.connect();
    expect((await client.query('select $1::int + 1 as n', [41])).rows).toEqual([{ n: 42 }]);
    expect((await client.query('select 1 as a; select 2 as b')) as unknown).toMatchObject([
      { rows: [{ a: 1 }] },
      { rows: [{ b: 2 }] },
    ]);
    await client.end();
  });

  it('SCRAM for a role whose verifier is read from Postgres, cleartext for the same', async () => {
    const { configure, url, gateway } = await open({ authMethod: 'scram' });
    for (const pipelineConnect of [false, 'password'] as const) {
      configure({ pipelineConnect });
      const client = new Client(url({ user: guest, password: 'gu€st' }));
      await client.connect();
      expect((await client.query('select current_user as who')).rows).toEqual([{ who: guest }]);
      await client.end();
    }
    await expect.poll(() => gateway.stats().callers).toBe(0);
  });

  it('a pooled connection string shares server connections', async () => {
    const { configure, url } = await open({ poolSize: 2 });
    configure();
    const pool = new Pool({ connectionString: url({ query: '?options=pooled%3Dtrue' }), max: 20 });
    const pids = await Promise.all(
      Array.from(
        { length: 40 },
        async () => (await pool.query('select pg_backend_pid() as pid, pg_sleep(0.01)')).rows[0].pid,
      ),
    );
    expect(new Set(pids).size).toBeLessThanOrEqual(2);
    await pool.end();
  });

  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { user: 'nobody' }],
  ])('%s is the very same error', async (_, who) => {
    const { configure, url, log } = await open();
    configure();
    const client = new Client(url(who));
    client.on('error', () => {});
    await client.connect();
    await expect(client.query('select 1')).rejects.toMatchObject({
      code: '28P01',
      severity: 'FATAL',
      message: `password authentication failed for user "${'user' in who ? who.user : database.user}"`,
    });
    expect(log).toMatchObject([{ event: 'caller_refused', code: 'authentication_failed', sqlstate: '28P01' }]);
  });

  it('a password that was changed is noticed with the next server connection', async () => {
    const { configure, url } = await open();
    configure();
    const role = `changing_${process.pid}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'old'`);
    const ask = async (password: string): Promise<unknown> => {
      const client = new Client(url({ user: role, password, query: '?options=pooled%3Dtrue' }));
      client.on('error', () => {});
      await client.connect();
      const { rows } = await client.query('select current_user as who');
      await client.end();
      return rows[0].who;
    };
    expect(await ask('old')).toBe(role);
    await database.query(`ALTER ROLE ${role} PASSWORD 'new'`);
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
    await expect.poll(() => ask('old').catch((error) => error.code)).toBe('28P01');
    await expect(ask('old')).rejects.toMatchObject({ message: `password authentication failed for user "${role}"` });
    expect(await ask('new')).toBe(role);
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
    await database.query(`DROP ROLE ${role}`);
  });

  it('cancels through a second WebSocket', async () => {
    const { configure, url, http } = await open();
    configure();
    const client = new Client(url());
    await client.connect();
    const slow = client.query('select pg_sleep(30)');
    const refused = expect(slow).rejects.toMatchObject({ code: '57014' });
    await expect.poll(async () => (await activity('pg_sleep(30)')).length).toBe(1);
    // What the driver's cancel() sends; its declarations do not show the key.
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const key = new Uint8Array(4);
    new DataView(key.buffer).setInt32(0, secretKey);
    const raw = new WebSocket(`ws://127.0.0.1:${http}/v2`);
    await new Promise((resolve) => raw.once('open', resolve));
    // Which of the two comes first is not said: the error has a way of its own.
    const closed = new Promise((resolve) => raw.once('close', resolve));
    raw.send(encodeCancelRequest(processID, key));
    await refused;
    await closed;
    await client.end();
  });
});

/** What runs on Postgres right now with this text in it. */
function activity(text: string): Promise<Record<string, unknown>[]> {
  return database.query(
    `select pid, state from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and position($1 in query) > 0`,
    [text],
  );
}

describe('the wrong port', () => {
  it('that of HTTP names the other to Postgres clients', async () => {
    const { url, http, tcp, log } = await open();
    await expect(new pg.Client(url({ port: http })).connect()).rejects.toMatchObject({
      code: '08P01',
      message: 'this port serves HTTP and WebSocket, and a Postgres client has connected to it',
      hint: `Connect to port ${tcp} (--tcp).`,
    });
    expect(log).toMatchObject([{ event: 'caller_refused', transport: 'tcp', user: database.user }]);
    const encrypted = new pg.Client({ connectionString: url({ port: http }), ssl: true });
    await expect(encrypted.connect()).rejects.toThrow('The server does not support SSL connections');
  });

  it('that of the Postgres protocol names the other to the official driver', async () => {
    const { configure, url, http, tcp } = await open();
    configure({ fetchEndpoint: `http://127.0.0.1:${tcp}/sql` });
    await expect(neon(url())`select 1`).rejects.toMatchObject({
      code: '08P01',
      message: `this port serves the Postgres protocol; HTTP and WebSocket are served at port ${http}, --http`,
    });
  });
});

describe('/v1?address=', () => {
  it('reaches the endpoint by its own address and by ours, pooled by suffix, and nothing else', async () => {
    const { configure, url, http, log } = await open();
    for (const address of [`${database.host}:${database.port}`, `localhost:${http}`, 'default-pooler:5432']) {
      configure({ wsProxy: () => `127.0.0.1:${http}/v1?address=${address}` });
      const client = new Client(url());
      await client.connect();
      expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
      await client.end();
    }
    expect(log.filter(({ event }) => event === 'session_started').map(({ mode }) => mode)).toEqual([
      'direct',
      'direct',
      'pooled',
    ]);

    let wasReached = false;
    const elsewhere = createServer(() => {
      wasReached = true;
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port } = elsewhere.address() as { port: number };
    configure({ wsProxy: () => `127.0.0.1:${http}/v1?address=127.0.0.1:${port}` });
    const client = new Client(url());
    client.on('error', () => {});
    await client.connect();
    await expect(client.query('select 1')).rejects.toMatchObject({
      code: '28000',
      message: `address "127.0.0.1:${port}" is not allowed on this gateway`,
    });
    expect(wasReached).toBe(false);
    elsewhere.close();
  });
});

describe('HTTP', () => {
  it('runs SQL for the official driver', async () => {
    const { url, configure } = await open();
    configure();
    const sql = neon(url({ host: 'db.example.com', port: 5432 }));
    expect(await sql`select ${41}::int + 1 as n`).toEqual([{ n: 42 }]);
    expect(await sql.transaction([sql`select 1 as a`, sql`select 2 as b`])).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    await expect(sql`select nonsense`).rejects.toMatchObject({ code: '42703' });
    const wrong = neon(url({ host: 'db.example.com', password: 'wrong' }));
    await expect(wrong`select 1`).rejects.toMatchObject({ code: '28P01' });
  });

  it('answers /health, and says what it serves elsewhere', async () => {
    const { http } = await open();
    const health = await fetch(`http://127.0.0.1:${http}/health`);
    expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok' }]);
    expect((await fetch(`http://127.0.0.1:${http}/nowhere`)).status).toBe(404);
  });

  it.each(['HTTP/1.0\r\n', 'HTTP/1.1\r\nHost:\r\nConnection: close\r\n'])(
    'answers /health without a host: GET /health %j',
    async (rest) => {
      const { http } = await open();
      const answer = await new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect({ host: '127.0.0.1', port: http }, () => socket.write(`GET /health ${rest}\r\n`));
        socket.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text)).on('error', reject);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\{"status":"ok"/s);
    },
  );
});

describe('passwords over HTTP from another machine', () => {
  const [elsewhere] = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  const body = '{"query":"select 1"}';

  /** As if from there: the gateway sees the address that the connection leaves from. */
  function post(port: number, url: string, target: string, headers = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: elsewhere!.address });
      socket.on('error', reject);
      socket.write(
        `POST ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nNeon-Connection-String: ${url}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
    });
  }

  // The first is read on the socket itself, the second by node:http, the third by the app.
  it.skipIf(elsewhere === undefined).each(['/sql', '/sql?a=b', '/%73ql'])(
    'are refused at %s, unless a proxy says that it ended TLS, or the operator that all is well',
    async (target) => {
      const careful = await open();
      const refused = await post(careful.http, careful.url(), target);
      expect(refused).toMatch(/^HTTP\/1\.1 400 /);
      expect(refused).toContain('"gatewayCode":"insecure_transport"');
      const proxied = await post(careful.http, careful.url(), target, 'X-Forwarded-Proto: https\r\n');
      expect(proxied).toMatch(/^HTTP\/1\.1 200 /);
      const trusting = await open({ acceptPlainPasswords: true });
      expect(await post(trusting.http, trusting.url(), target)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  // A key that is refused for another reason was looked at.
  it.skipIf(elsewhere === undefined).each([
    ['/query', '"code":"P1011"', '"code":"P6002"'],
    ['/transaction/start', '"code":"P1011"', '"code":"P6002"'],
    [`/6.19.0/${'0'.repeat(64)}/graphql`, '"error_code":"P1011"', '"error_code":"P6002"'],
  ])('are refused at %s of Prisma, too', async (target, refused, lookedAt) => {
    const careful = await open();
    const key = 'Authorization: Bearer nonsense\r\n';
    expect(await post(careful.http, careful.url(), target, key)).toContain(refused);
    const proxied = await post(careful.http, careful.url(), target, `${key}X-Forwarded-Proto: https\r\n`);
    expect(proxied).toContain(lookedAt);
    const trusting = await open({ acceptPlainPasswords: true });
    expect(await post(trusting.http, trusting.url(), target, key)).toContain(lookedAt);
  });
});

describe('TCP', () => {
  it('serves pg, direct and pooled', async () => {
    const { url, log } = await open();
    for (const pooled of [false, true]) {
      const client = new pg.Client({ connectionString: url(), options: `pooled=${pooled}` });
      await client.connect();
      expect((await client.query('select $1::text as t', ['ä'])).rows).toEqual([{ t: 'ä' }]);
      await client.end();
    }
    await expect
      .poll(() => log.filter(({ event }) => event === 'session_ended').map(({ mode }) => mode))
      .toEqual(['direct', 'pooled']);
  });

  it('tells in the log which of Postgres’ processes serves a direct session', async () => {
    const { url, log } = await open();
    const client = new pg.Client(url());
    await client.connect();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    await client.end();
    const ids = (): unknown[] => log.map(({ event, processId }) => [event, processId]);
    await expect.poll(ids).toEqual([
      ['session_started', rows[0].pid],
      ['session_ended', rows[0].pid],
    ]);
  });

  it('passes on that a database does not exist', async () => {
    const { tcp } = await open();
    const { user, password } = database;
    await expect(connectRaw({ port: tcp, user, password, database: 'nowhere' })).rejects.toMatchObject({
      code: '3D000',
      message: 'database "nowhere" does not exist',
    });
  });

  it('cancels, and closes the cancel connection only afterwards', async () => {
    const { tcp } = await open();
    const { user, password, name } = database;
    const client = await connectRaw({ port: tcp, user, password, database: name, params: { pooled: 'true' } });
    const slow = expect(client.query('select pg_sleep(31)')).rejects.toMatchObject({ code: '57014' });
    await expect.poll(async () => (await activity('pg_sleep(31)')).length).toBe(1);
    await pgCancel(tcp, client.processId, client.secretKey);
    await slow;
    expect(await client.query('select 1')).toEqual([['1']]);
    await client.end();
  });
});

async function pgCancel(port: number, processId: number, secretKey: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(encodeCancelRequest(processId, secretKey)));
    socket.on('close', () => resolve());
    socket.on('error', reject);
    socket.resume();
  });
}

describe('with a certificate', () => {
  it('every port speaks TLS', async () => {
    const { url, configure, http, tcp } = await open({ tls: testCertificate });
    const client = new pg.Client({ connectionString: url({ host: 'localhost' }), ssl: { ca: testCertificate.cert } });
    await client.connect();
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
    await client.end();

    class TrustingWebSocket extends WebSocket {
      constructor(address: string) {
        super(address, { ca: testCertificate.cert });
      }
    }
    configure({
      useSecureWebSocket: true,
      webSocketConstructor: TrustingWebSocket,
      wsProxy: () => `localhost:${http}/v2`,
    });
    const webSocket = new Client(url());
    await webSocket.connect();
    const { rows } = await webSocket.query("select repeat('x', 300000) as long");
    expect(rows[0].long).toHaveLength(300_000);
    await webSocket.end();

    const status = await new Promise((resolve, reject) => {
      get({ host: 'localhost', port: http, path: '/health', ca: testCertificate.cert }, ({ statusCode }) =>
        resolve(statusCode),
      ).on('error', reject);
    });
    expect(status).toBe(200);
    // Without TLS the Postgres port still serves this machine.
    const plain = await connectRaw({
      port: tcp,
      user: database.user,
      password: database.password,
      database: database.name,
    });
    await plain.end();
  });
});

describe('many callers', () => {
  it('two hundred WebSockets and two hundred HTTP requests share five server connections', async () => {
    const { configure, url, http } = await open({ poolSize: 5 });
    configure();
    const connectionString = url({ query: '?options=pooled%3Dtrue' });
    let most = 0;
    let isWatching = true;
    async function watch(): Promise<void> {
      while (isWatching) {
        const rows = await database.query(
          `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
        );
        most = Math.max(most, Number(rows[0]?.n));
      }
    }
    const watched = watch();
    const clients = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const client = new Client(connectionString);
        await client.connect();
        return client;
      }),
    );
    const webSockets = clients.map(async (client, n) => {
      for (let round = 0; round < 5; round++) {
        const { rows } = await client.query('select $1::int as n, $2::text as t', [n, `ws ${n} ${round}`]);
        expect(rows).toEqual([{ n, t: `ws ${n} ${round}` }]);
      }
      await client.end();
    });
    const requests = Array.from({ length: 200 }, async (_, n) => {
      const response = await fetch(`http://127.0.0.1:${http}/sql`, {
        method: 'POST',
        headers: {
          'Neon-Connection-String': connectionString,
          'Neon-Raw-Text-Output': 'true',
          'Neon-Array-Mode': 'true',
        },
        body: JSON.stringify({ query: 'select $1::text', params: [`http ${n}`] }),
      });
      expect(await response.json()).toMatchObject({ rows: [[`http ${n}`]] });
    });
    try {
      await Promise.all([...webSockets, ...requests]);
    } finally {
      isWatching = false;
      await watched;
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(5);
  });
});

describe('the life of the gateway', () => {
  it('names the port that is taken and how to choose another', async () => {
    const { http, tcp } = await open();
    await expect(open({ http: { host: '127.0.0.1', port: http } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringMatching(new RegExp(`port ${http} .*--http HOST:PORT`)),
    });
    await expect(open({ tcp: { host: '127.0.0.1', port: tcp } })).rejects.toThrow(`port ${tcp}`);
  });

  it('lets a running transaction finish before it closes, and refuses new callers meanwhile', async () => {
    const { gateway, url, http } = await open();
    const client = new pg.Client(url());
    client.on('error', () => {});
    await client.connect();
    await client.query('create table closing (n int)');
    await client.query('begin');
    await client.query('insert into closing values (1)');
    const closed = gateway.close(10_000);
    await expect(fetch(`http://127.0.0.1:${http}/health`)).rejects.toThrow();
    await client.query('commit');
    await closed;
    expect(await database.query('select n from closing')).toEqual([{ n: 1 }]);
    await gateway.close(0);
  });

  it('refuses callers who wait for their login, and says so', async () => {
    let connections = 0;
    const silent = createServer(() => void connections++).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const endpoints = [{ name: 'default', databaseUrl: `postgres://u:p@127.0.0.1:${port}/d?sslmode=disable` }];
    const { gateway, url, http, configure } = await open({ endpoints });
    configure({ pipelineConnect: false });
    const clients = [new pg.Client(url({ password: 'a' })), new Client(url({ password: 'b' }))];
    const logins = clients.map((client) => client.connect().catch((error: unknown) => error));
    const reply = fetch(`http://127.0.0.1:${http}/sql`, {
      method: 'POST',
      headers: { 'Neon-Connection-String': url() },
      body: '{"query":"select 1"}',
    });
    await expect.poll(() => connections).toBe(3);
    const closed = gateway.close(10_000);
    expect(await Promise.all(logins)).toMatchObject([{ code: '57P01' }, { code: '57P01' }]);
    const answer = { code: '57P01', gatewayCode: 'shutting_down', safeToRetry: true };
    expect(await (await reply).json()).toMatchObject(answer);
    await closed;
    silent.close();
  });

  it('does not wait longer than its grace', async () => {
    const { gateway, url } = await open();
    const client = new pg.Client(url());
    const ended = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await client.query('begin');
    await gateway.close(50);
    expect(await ended).toMatchObject({ code: '57P01' });
  });

  it('needs an endpoint', async () => {
    await expect(open({ endpoints: [] })).rejects.toThrow('no endpoint');
  });
});
