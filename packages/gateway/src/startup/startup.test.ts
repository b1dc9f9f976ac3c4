import type { ByteStream, StreamSecurity } from '@postern/pool';
import { connectRaw, createFakeClock, createFaultyStreamPair, type RawClientOptions } from '@postern/testkit';
import {
  BackendCode,
  buildScramVerifier,
  concatBytes,
  createMessageReader,
  DatabaseError,
  decodeErrorFields,
  encodeCancelRequest,
  encodeGssencRequest,
  encodePassword,
  encodeQuery,
  encodeSslRequest,
  encodeStartupMessage,
  encodeTerminate,
  formatScramVerifier,
} from '@postern/wire';
import { describe, expect, it } from 'vitest';
import type { Caller } from './caller.ts';
import { createStartupFixture, type StartupFixture } from './startup.fixture.ts';

interface Opened {
  /** The caller's side. */
  client: ByteStream;
  /** Everything the gateway sent. */
  received: () => Uint8Array;
  ended: { code: number; reason: string }[];
  closeNow: () => void;
}

function open(fixture: StartupFixture, as: Partial<Caller> & { security?: StreamSecurity; cut?: number } = {}): Opened {
  const pair = createFaultyStreamPair({
    ...(as.cut === undefined ? {} : { maxPieceBytes: as.cut }),
    ...(as.security === undefined ? {} : { security: as.security }),
  });
  const ended: Opened['ended'] = [];
  const parts: Uint8Array[] = [];
  pair.client.onData = (bytes) => {
    parts.push(bytes.slice());
    return undefined;
  };
  const whenClosed: (() => void)[] = [];
  fixture.accept({
    transport: 'tcp',
    address: '192.0.2.1',
    stream: pair.server,
    authenticated: () => {},
    whenClosed: (callback) => void whenClosed.push(callback),
    end(code, reason) {
      ended.push({ code, reason });
      pair.server.end();
    },
    ...as,
  });
  return {
    client: pair.client,
    received: () => concatBytes(parts),
    ended,
    closeNow: () => {
      for (const callback of whenClosed) callback();
    },
  };
}

/** Logs in as a real client would, over any cut of the bytes. */
async function logIn(
  fixture: StartupFixture,
  options: RawClientOptions,
  as: Parameters<typeof open>[1] = {},
): Promise<Awaited<ReturnType<typeof connectRaw>>> {
  const { client } = open(fixture, as);
  client.onData = undefined;
  return connectRaw({ ...options, stream: client });
}

function startupMessage(parameters: Record<string, string>, minor = 0): Uint8Array {
  return encodeStartupMessage({ parameters: Object.entries(parameters), minor });
}

/** The messages the gateway sent, by type letter; errors as fields. */
function messages(bytes: Uint8Array): { letter: string; body: Uint8Array }[] {
  const found: { letter: string; body: Uint8Array }[] = [];
  const reader = createMessageReader({
    maxMessageBytes: 1_000_000,
    onMessage: (code, body) => void found.push({ letter: String.fromCharCode(code), body: body.slice() }),
  });
  reader.push(bytes);
  return found;
}

async function errorOf(opened: Opened): Promise<{ code: string; message: string; severity: string }> {
  await expect.poll(() => opened.ended.length).toBe(1);
  const last = messages(opened.received()).at(-1);
  expect(last?.letter).toBe('E');
  return decodeErrorFields(last!.body);
}

const alice = { user: 'alice', password: 'secret', database: 'app' };

describe('password login', () => {
  it('asks, verifies by login and opens a session', async () => {
    const fixture = createStartupFixture();
    const client = await logIn(fixture, alice);
    expect(await client.query('select 1')).toEqual([['alice@app: select 1']]);
    expect(fixture.engine.logins).toHaveLength(1);
    expect(fixture.engine.sessions[0]).toMatchObject({
      target: { host: '127.0.0.1', port: 5432, database: 'app', tls: 'prefer' },
      mode: 'direct',
      identity: { user: 'alice', secret: { kind: 'password', password: 'secret' } },
      protocolMinor: 0,
    });
    expect(fixture.log).toMatchObject([
      {
        event: 'session_started',
        transport: 'tcp',
        user: 'alice',
        database: 'app',
        endpoint: 'default',
        mode: 'direct',
      },
    ]);
    expect(JSON.stringify(fixture.log)).not.toContain('secret');
  });

  it.each([1, 2, 3, 7])('is the same when bytes arrive in pieces of %i', async (cut) => {
    const client = await logIn(createStartupFixture(), alice, { cut });
    expect(await client.query('select 1')).toEqual([['alice@app: select 1']]);
  });

  it('takes start-up, password and first query in one delivery, without asking', async () => {
    const fixture = createStartupFixture();
    const opened = open(fixture, { transport: 'ws' });
    opened.client.write(
      concatBytes([
        startupMessage({ user: 'alice', database: 'app' }),
        encodePassword('secret'),
        encodeQuery('select 1'),
      ]),
    );
    await expect
      .poll(() =>
        messages(opened.received())
          .map(({ letter }) => letter)
          .join(''),
      )
      .toBe('RSKZTDCZ');
  });

  it('takes them in separate deliveries on a WebSocket, whose driver never waits for the question', async () => {
    const fixture = createStartupFixture();
    const opened = open(fixture, { transport: 'ws' });
    opened.client.write(startupMessage({ user: 'alice', database: 'app' }));
    await Promise.resolve();
    opened.client.write(encodePassword('secret'));
    opened.client.write(encodeQuery('select 1'));
    await expect
      .poll(() =>
        messages(opened.received())
          .map(({ letter }) => letter)
          .join(''),
      )
      .toBe('RRSKZTDCZ');
  });

  it('holds a large pipelined query while Postgres is asked', async () => {
    const fixture = createStartupFixture();
    const opened = open(fixture, { transport: 'ws', cut: 5_000 });
    const query = encodeQuery('x'.repeat(300_000));
    opened.client.write(concatBytes([startupMessage({ user: 'alice' }), encodePassword('secret'), query]));
    await expect.poll(() => new TextDecoder().decode(opened.received())).toContain('alice@alice: 300000');
  });

  it('refuses more pipelined bytes than its limit', async () => {
    const fixture = createStartupFixture({ maxPipelinedBytes: 10_000 });
    const opened = open(fixture, { transport: 'ws' });
    const query = encodeQuery('x'.repeat(20_000));
    opened.client.write(concatBytes([startupMessage({ user: 'alice' }), encodePassword('secret'), query]));
    expect(await errorOf(opened)).toMatchObject({ severity: 'FATAL', code: '54000' });
  });

  it('passes gateway options on to nobody but the engine', async () => {
    const fixture = createStartupFixture();
    await logIn(fixture, {
      ...alice,
      params: {
        pgbouncer: 'true',
        pool_timeout: '3',
        connect_timeout: '7',
        connection_limit: '2',
        application_name: 'x',
        options: '-c work_mem=1MB',
      },
    });
    const [session] = fixture.engine.sessions;
    expect(session?.mode).toBe('pooled');
    expect(session?.settings).toEqual({ poolTimeoutMs: 3_000, connectTimeoutMs: 7_000, connectionLimit: 2 });
    expect(Object.fromEntries(session?.startupParameters ?? [])).toEqual({ application_name: 'x', work_mem: '1MB' });
    expect(fixture.engine.logins[0]?.connectTimeoutMs).toBe(7_000);
  });

  it('takes pooled mode from the URL of a WebSocket, unless the start-up says otherwise', async () => {
    const fixture = createStartupFixture();
    const urlOptions = new Map([['pooled', 'true']]);
    await logIn(fixture, alice, { transport: 'ws', urlOptions });
    await logIn(fixture, { ...alice, params: { pooled: 'false' } }, { transport: 'ws', urlOptions });
    await logIn(fixture, alice, { transport: 'ws', host: 'anything-pooler.example.com' });
    expect(fixture.engine.sessions.map(({ mode }) => mode)).toEqual(['pooled', 'direct', 'pooled']);
  });

  it('keeps replication out of the pool', async () => {
    const fixture = createStartupFixture();
    await logIn(fixture, { ...alice, params: { pooled: 'true', replication: 'database' } });
    await logIn(fixture, { ...alice, params: { pooled: 'true', replication: 'false' } });
    expect(fixture.engine.sessions.map(({ mode }) => mode)).toEqual(['direct', 'pooled']);
    expect(fixture.engine.sessions[1]?.startupParameters).toEqual(new Map());
  });
});

describe('refusals', () => {
  it('are the same for wrong password, unknown user and unknown endpoint', async () => {
    const endpoints = [
      { name: 'one', databaseUrl: 'postgres://db1/app' },
      { name: 'two', databaseUrl: 'postgres://db2/app' },
    ];
    const fixture = createStartupFixture({ endpoints });
    const errors: unknown[] = [];
    for (const [host, password] of [
      ['one.example.com', 'wrong'],
      ['nowhere.example.com', 'secret'],
    ] as const) {
      errors.push(await logIn(fixture, { ...alice, password }, { transport: 'ws', host }).catch((error) => error));
    }
    expect(errors[0]).toBeInstanceOf(DatabaseError);
    expect(errors[0]).toMatchObject({
      code: '28P01',
      severity: 'FATAL',
      message: 'password authentication failed for user "alice"',
    });
    expect({ ...(errors[1] as object) }).toEqual({ ...(errors[0] as object) });
    expect(fixture.log.map(({ code }) => code)).toEqual(['authentication_failed', 'endpoint_unknown']);
  });

  it('pass on what else Postgres said', async () => {
    const fixture = createStartupFixture();
    fixture.engine.loginError = new DatabaseError({
      severity: 'FATAL',
      code: '3D000',
      message: 'database "app" does not exist',
    });
    await expect(logIn(fixture, alice)).rejects.toMatchObject({
      code: '3D000',
      message: 'database "app" does not exist',
    });
  });

  it('name a start-up option that makes no sense', async () => {
    const fixture = createStartupFixture();
    await expect(logIn(fixture, { ...alice, params: { pool_timeout: 'soon' } })).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining('pool_timeout'),
    });
  });

  it('ask for TLS before a password crosses an open network', async () => {
    const fixture = createStartupFixture();
    await expect(logIn(fixture, alice, { security: 'plain' })).rejects.toMatchObject({
      code: '28000',
      hint: expect.stringContaining('sslmode=require'),
    });
    expect(fixture.engine.logins).toHaveLength(0);
    const pipelined = open(fixture, { security: 'plain', transport: 'ws' });
    pipelined.client.write(concatBytes([startupMessage({ user: 'alice' }), encodePassword('secret')]));
    expect(await errorOf(pipelined)).toMatchObject({ code: '28000' });
    await logIn(createStartupFixture({ acceptPlainPasswords: true }), alice, { security: 'plain' });
  });

  it('tell of an address that is not this gateway’s to reach', async () => {
    const fixture = createStartupFixture();
    await expect(
      logIn(fixture, alice, { transport: 'ws', targetAddress: 'evil.example.com:5432' }),
    ).rejects.toMatchObject({
      code: '28000',
      message: expect.stringContaining('evil.example.com:5432'),
    });
  });

  it('need a user', async () => {
    const opened = open(createStartupFixture());
    opened.client.write(startupMessage({ database: 'app' }));
    expect(await errorOf(opened)).toMatchObject({ code: '28000', message: expect.stringContaining('user name') });
  });
});

describe('hostile bytes', () => {
  it.each([
    ['an HTTP request', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['zeros', new Uint8Array(64)],
    ['a huge length', Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0)],
    ['protocol 2', Uint8Array.of(0, 0, 0, 9, 0, 2, 0, 0, 0)],
    ['a start-up of more than 10 000 bytes', startupMessage({ user: 'x'.repeat(10_000) })],
    ['a TLS handshake where there is no certificate', Uint8Array.of(0x16, 3, 1, 0, 5)],
    ['a query instead of a password', concatBytes([startupMessage({ user: 'alice' }), encodeQuery('select 1')])],
    [
      'a password of 70 000 bytes',
      concatBytes([startupMessage({ user: 'alice' }), encodePassword('x'.repeat(70_000))]),
    ],
    ['a cancel key of 300 bytes', Uint8Array.of(0, 0, 1, 56, 4, 210, 22, 46)],
    ['bytes behind a TLS request', concatBytes([encodeSslRequest(), Uint8Array.of(1)])],
    ['two TLS requests', concatBytes([encodeSslRequest()])],
  ])('%s: one clear error, then the end', async (what, bytes) => {
    const opened = open(createStartupFixture());
    opened.client.write(bytes);
    if (what === 'two TLS requests') {
      await expect.poll(() => opened.received().length).toBe(1);
      opened.client.write(bytes);
      await expect.poll(() => opened.ended.length).toBe(1);
      expect(decodeErrorFields(messages(opened.received().subarray(1))[0]!.body).code).toBe('08P01');
      return;
    }
    if (what.startsWith('a cancel key')) opened.client.write(new Uint8Array(304));
    const error = await errorOf(opened);
    expect(error.severity).toBe('FATAL');
    expect(['08P01', '0A000', '54000']).toContain(error.code);
  });

  it('a caller that is too slow', async () => {
    const clock = createFakeClock();
    const opened = open(createStartupFixture({ clock }));
    opened.client.write(startupMessage({ user: 'alice' }).subarray(0, 5));
    await Promise.resolve();
    clock.advance(9_999);
    expect(opened.ended).toHaveLength(0);
    clock.advance(1);
    expect(await errorOf(opened)).toMatchObject({ code: '57014', message: expect.stringContaining('10 s') });
    expect(clock.pendingTimers).toBe(0);
  });

  it('a caller that leaves while Postgres is asked', async () => {
    const fixture = createStartupFixture();
    let letIn = (): void => {};
    fixture.engine.loginGate = new Promise((resolve) => {
      letIn = resolve;
    });
    const opened = open(fixture);
    opened.client.write(startupMessage({ user: 'alice' }));
    await expect.poll(() => opened.received().length).toBeGreaterThan(0);
    opened.client.write(encodePassword('secret'));
    await expect.poll(() => fixture.engine.logins.length).toBe(1);
    opened.client.destroy();
    await new Promise((resolve) => setTimeout(resolve, 5));
    letIn();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fixture.engine.sessions).toHaveLength(0);
  });

  it('Terminate in the middle of the login', async () => {
    const fixture = createStartupFixture();
    const opened = open(fixture);
    opened.client.write(concatBytes([startupMessage({ user: 'alice' }), encodeTerminate(), encodePassword('secret')]));
    await expect.poll(() => opened.ended).toEqual([{ code: 1000, reason: '' }]);
    expect(fixture.engine.logins).toHaveLength(0);
  });
});

describe('encryption requests', () => {
  it('are declined without a certificate, each once, and start-up goes on', async () => {
    const fixture = createStartupFixture();
    const opened = open(fixture);
    opened.client.write(encodeGssencRequest());
    await expect.poll(() => opened.received().length).toBe(1);
    opened.client.write(encodeSslRequest());
    await expect.poll(() => new TextDecoder().decode(opened.received())).toBe('NN');
    opened.client.write(startupMessage({ user: 'alice' }));
    await expect.poll(() => opened.received().length).toBeGreaterThan(2);
    expect(messages(opened.received().subarray(2))[0]?.letter).toBe('R');
  });

  it('are declined on a WebSocket, encrypted or not', async () => {
    for (const security of ['tls', 'loopback', 'plain'] as const) {
      const opened = open(createStartupFixture(), { transport: 'ws', security });
      opened.client.write(encodeSslRequest());
      await expect.poll(() => new TextDecoder().decode(opened.received())).toBe('N');
      opened.client.write(encodeGssencRequest());
      await expect.poll(() => new TextDecoder().decode(opened.received())).toBe('NN');
    }
  });

  it.each([
    ['TLS', encodeSslRequest()],
    ['GSSAPI', encodeGssencRequest()],
  ])('are a violation inside the encryption that was asked for: %s', async (_, request) => {
    const inner = createFaultyStreamPair({ security: 'tls' });
    const upgradeToTls = async () => ({ stream: inner.server, serverName: undefined });
    const opened = open(createStartupFixture(), { security: 'plain', upgradeToTls });
    opened.client.write(encodeSslRequest());
    await expect.poll(() => new TextDecoder().decode(opened.received())).toBe('S');
    const parts: Uint8Array[] = [];
    inner.client.onData = (bytes) => void parts.push(bytes.slice());
    inner.client.write(request);
    await expect.poll(() => messages(concatBytes(parts)).map(({ letter }) => letter)).toEqual(['E']);
    expect(decodeErrorFields(messages(concatBytes(parts))[0]!.body).code).toBe('08P01');
  });

  it('are accepted with one, and start-up begins anew inside', async () => {
    const fixture = createStartupFixture();
    const inner = createFaultyStreamPair({ security: 'tls' });
    const upgrades: unknown[] = [];
    const opened = open(fixture, {
      security: 'plain',
      upgradeToTls: async (options) => {
        upgrades.push(options);
        return { stream: inner.server, serverName: 'db-pooler.example.com' };
      },
    });
    opened.client.write(encodeSslRequest());
    await expect.poll(() => new TextDecoder().decode(opened.received())).toBe('S');
    await connectRaw({ ...alice, stream: inner.client });
    expect(upgrades).toEqual([{ received: new Uint8Array(0), isDirect: false }]);
    expect(fixture.engine.sessions[0]?.mode).toBe('pooled');
  });
});

describe('protocol versions', () => {
  it('3.2 gets the long cancel keys', async () => {
    const fixture = createStartupFixture();
    await logIn(fixture, { ...alice, protocolMinor: 2 });
    expect(fixture.engine.sessions[0]?.protocolMinor).toBe(2);
  });

  it('newer ones and extensions are negotiated down, once, before anything else', async () => {
    const fixture = createStartupFixture();
    const client = await logIn(fixture, { ...alice, protocolMinor: 9, params: { '_pq_.something': '1' } });
    expect(client.greeting.map(({ code }) => String.fromCharCode(code)).join('')).toBe('vRRSKZ');
    expect(fixture.engine.sessions[0]?.protocolMinor).toBe(2);
  });
});

describe('CancelRequest', () => {
  it('is closed when it has been dealt with, not before', async () => {
    const fixture = createStartupFixture();
    const opened = open(fixture, { transport: 'ws' });
    opened.client.write(encodeCancelRequest(7, Uint8Array.of(9, 9, 9, 9)));
    await expect.poll(() => fixture.engine.cancels).toEqual([{ processId: 7, secretKey: Uint8Array.of(9, 9, 9, 9) }]);
    expect(opened.ended).toHaveLength(0);
    fixture.engine.finishCancels();
    await expect.poll(() => opened.ended).toEqual([{ code: 1000, reason: '' }]);
    expect(opened.received()).toHaveLength(0);
  });
});

describe('SCRAM', () => {
  const endpoints = [{ name: 'default', databaseUrl: 'postgres://owner:boss@127.0.0.1:5432/app' }];

  it('needs no password on the wire for the role of the database URL, even in the open', async () => {
    const fixture = createStartupFixture({ endpoints });
    const client = await logIn(
      fixture,
      { user: 'owner', password: 'boss', database: 'app' },
      { security: 'plain', cut: 3 },
    );
    expect(await client.query('select 1')).toEqual([['owner@app: select 1']]);
    // The very identity a password caller of that role has: they share a pool.
    expect(fixture.engine.sessions[0]?.identity.secret).toEqual({ kind: 'password', password: 'boss' });
    await expect(logIn(fixture, { user: 'owner', password: 'wrong' })).rejects.toMatchObject({
      code: '28P01',
      message: 'password authentication failed for user "owner"',
    });
  });

  it('uses verifiers read from Postgres, and passes the keys on', async () => {
    const verifier = await buildScramVerifier('secret', new Uint8Array(16).fill(7));
    const asked: string[] = [];
    const fixture = createStartupFixture({
      endpoints,
      async readVerifier(endpoint, role, user) {
        asked.push(`${endpoint.name} ${role.user} ${user}`);
        return user === 'alice' ? formatScramVerifier(verifier) : null;
      },
    });
    await logIn(fixture, alice, { security: 'plain' });
    await logIn(fixture, alice, { security: 'plain' });
    expect(asked).toEqual(['default owner alice']);
    const [first, second] = fixture.engine.sessions;
    expect(first?.identity.secret).toMatchObject({ kind: 'scram-keys', serverKey: verifier.serverKey });
    expect(second?.identity.id).toBe(first?.identity.id);
    for (const [user, password] of [
      ['alice', 'wrong'],
      ['nobody', 'secret'],
    ] as const) {
      await expect(logIn(fixture, { user, password })).rejects.toMatchObject({
        code: '28P01',
        message: `password authentication failed for user "${user}"`,
      });
    }
  });

  it('takes a password set anew within a second, and the last known one while Postgres cannot be asked', async () => {
    const clock = createFakeClock();
    const verifier = async (password: string): Promise<string> =>
      formatScramVerifier(await buildScramVerifier(password, new Uint8Array(16).fill(7)));
    let answer: () => Promise<string | null> = async () => null;
    const fixture = createStartupFixture({ endpoints, clock, readVerifier: () => answer() });
    const attempt = (password: string): Promise<unknown> => {
      const outcome = logIn(fixture, { user: 'alice', password }).then(
        () => 'in',
        (error) => error.code,
      );
      const ticks = setInterval(() => clock.advance(10), 1);
      return outcome.finally(() => clearInterval(ticks));
    };
    expect(await attempt('first')).toBe('28P01');
    clock.advance(1_000);
    const first = await verifier('first');
    answer = async () => first;
    expect(await attempt('first')).toBe('in');
    clock.advance(1_000);
    const second = await verifier('second');
    answer = async () => second;
    expect(await attempt('second')).toBe('in');
    clock.advance(1_000);
    answer = () => Promise.reject(new Error('away'));
    expect(await attempt('second')).toBe('in');
    clock.advance(1_000);
    let answerLate = (): void => {};
    answer = () =>
      new Promise((resolve) => {
        answerLate = () => resolve(second);
      });
    expect(await attempt('second')).toBe('in');
    answerLate();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
    answer = async () => first;
    expect(await attempt('second')).toBe('28P01');
    expect(await attempt('first')).toBe('in');
  });

  it('gives way to a password when the role may not read verifiers', async () => {
    let reads = 0;
    const fixture = createStartupFixture({
      endpoints,
      async readVerifier() {
        reads += 1;
        throw new DatabaseError({ severity: 'ERROR', code: '42501', message: 'permission denied for table pg_authid' });
      },
    });
    await logIn(fixture, alice);
    await logIn(fixture, alice);
    expect(reads).toBe(1);
    expect(fixture.engine.sessions[0]?.identity.secret.kind).toBe('password');
    await expect(logIn(fixture, alice, { security: 'plain' })).rejects.toMatchObject({ code: '28000' });
  });

  it('challenges WebSockets only when told to', async () => {
    for (const authMethod of ['auto', 'scram', 'cleartext'] as const) {
      const fixture = createStartupFixture({ endpoints, authMethod });
      const opened = open(fixture, { transport: 'ws' });
      opened.client.write(startupMessage({ user: 'owner' }));
      await expect.poll(() => opened.received().length).toBeGreaterThan(8);
      expect(messages(opened.received())[0]?.body[3]).toBe(authMethod === 'scram' ? 10 : 3);
    }
  });

  it('refuses another mechanism and malformed messages', async () => {
    const fixture = createStartupFixture({ endpoints });
    const opened = open(fixture);
    opened.client.write(startupMessage({ user: 'owner' }));
    await expect.poll(() => opened.received().length).toBeGreaterThan(8);
    opened.client.write(encodePassword('boss'));
    expect(await errorOf(opened)).toMatchObject({ code: '08P01' });
  });
});

describe('events', () => {
  it('tell when a session ends', async () => {
    const clock = createFakeClock();
    const fixture = createStartupFixture({ clock });
    const opened = open(fixture, { transport: 'ws' });
    opened.client.write(concatBytes([startupMessage({ user: 'alice' }), encodePassword('secret')]));
    await expect.poll(() => fixture.engine.sessions.length).toBe(1);
    clock.advance(1_500);
    opened.closeNow();
    expect(fixture.log.at(-1)).toMatchObject({ event: 'session_ended', user: 'alice', durationMs: 1_500 });
    expect(messages(opened.received()).at(-1)?.letter).toBe(String.fromCharCode(BackendCode.ReadyForQuery));
  });
});
