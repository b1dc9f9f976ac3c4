import { DatabaseError, encodeErrorResponse, encodeQuery } from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { answering, createTestEngine, identity, settle, target } from './engine.fixture.ts';
import { PoolError } from './errors.ts';

const refusal = encodeErrorResponse({
  severity: 'FATAL',
  severityNonLocalized: 'FATAL',
  code: '28P01',
  message: 'password authentication failed for user "postgres"',
});

function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

describe('a login that verifies somebody', () => {
  test('leaves its connection to the first session', async () => {
    const { engine, postgres, open } = createTestEngine();
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const server = await answering(postgres);
    await login;
    expect(engine.stats().pools).toMatchObject([{ idle: 1, opened: 1 }]);
    const caller = await open();
    await caller.send(encodeQuery('SELECT 1'));
    expect(server.asked()).toEqual(['Query SELECT 1']);
    expect(postgres.connections).toHaveLength(1);
  });

  test('asks Postgres although the pool is full, and closes what it opened', async () => {
    const { engine, postgres, open } = createTestEngine();
    const caller = await open();
    const idle = await answering(postgres);
    await caller.send(encodeQuery('SELECT 1'));
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const extra = await answering(postgres);
    await login;
    await settle();
    expect(extra.asked()).toEqual(['X']);
    expect(engine.stats().pools).toMatchObject([{ idle: 1, leased: 0 }]);
    expect(idle.asked()).toEqual(['Query SELECT 1']);
  });

  test('is never lent beyond the pool size, though somebody waits', async () => {
    const { engine, postgres, open } = createTestEngine({ limits: { multiplexing: false } });
    const first = await open();
    await answering(postgres, () => null);
    await first.send(encodeQuery('SELECT pg_sleep(1)'));
    const second = await open();
    await second.send(encodeQuery('SELECT 2'));
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const extra = await answering(postgres);
    await login;
    await settle();
    expect(extra.asked()).toEqual(['X']);
    expect(engine.stats().pools).toMatchObject([{ leased: 1, waiting: 1 }]);
  });

  test('is never kept beyond the budget of the target either', async () => {
    const { engine, postgres, open } = createTestEngine({ limits: { poolSize: 2, maxServerConnections: 1 } });
    const caller = await open();
    await answering(postgres, () => null);
    await caller.send(encodeQuery('SELECT pg_sleep(1)'));
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const extra = await answering(postgres);
    await login;
    await settle();
    expect(extra.asked()).toEqual(['X']);
    expect(engine.stats().pools).toMatchObject([{ leased: 1, idle: 0 }]);
  });

  test('gives an idle connection back first where the target has no room for one more', async () => {
    const { engine, postgres, open } = createTestEngine({ limits: { poolSize: 2, maxServerConnections: 1 } });
    const caller = await open();
    const idle = await answering(postgres);
    await caller.send(encodeQuery('SELECT 1'));
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    await answering(postgres);
    await login;
    expect(idle.asked()).toEqual(['Query SELECT 1', 'X']);
    expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
  });

  test('and is followed by no session: the connection is given back soon, one that was used is not', async () => {
    const { engine, postgres, open, pass } = createTestEngine();
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    await answering(postgres);
    await login;
    await pass(20_000);
    expect(engine.stats().pools).toEqual([]);

    const caller = await open();
    await answering(postgres);
    await caller.send(encodeQuery('SELECT 1'));
    await pass(20_000);
    expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
  });
});

describe('a login that fails', () => {
  test("throws Postgres' own error at once, and leaves no pool behind", async () => {
    const { engine, postgres } = createTestEngine();
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const connection = await postgres.nextConnection();
    connection.send(refusal);
    await expect(login).rejects.toSatisfy((error) => error instanceof DatabaseError && error.code === '28P01');
    expect(engine.stats().pools).toEqual([]);
    expect(postgres.connections).toHaveLength(1);
  });

  test('leaves the pool that somebody else is about to use', async () => {
    const { engine, postgres } = createTestEngine();
    const bad = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const good = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    (await postgres.nextConnection()).send(refusal);
    await expect(bad).rejects.toThrow('password authentication failed');
    await answering(postgres);
    await good;
    expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
  });

  test('throws connect_failed with the cause when there is no connection within the budget', async () => {
    let attempts = 0;
    const { engine, pass, clock } = createTestEngine({
      dial: () => () => {
        attempts++;
        return Promise.reject(networkError('ECONNREFUSED'));
      },
    });
    const startedAt = clock.now();
    let endedAt = 0;
    const login = engine.login(target, identity, { connectTimeoutMs: 2_000 }).catch((error: unknown) => {
      endedAt = clock.now();
      return error;
    });
    await pass(3_000);
    const error = await login;
    expect(error).toBeInstanceOf(PoolError);
    expect(error).toMatchObject({ code: 'connect_failed', sqlstate: '08001', safeToRetry: true });
    expect((error as PoolError).message).toBe('cannot reach the database server: connect ECONNREFUSED');
    expect((error as PoolError).cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(attempts).toBeGreaterThan(3);
    expect(endedAt - startedAt).toBeLessThanOrEqual(2_000);
    expect(engine.stats().pools).toEqual([]);
  });

  test('an error that no retry mends is not tried again', async () => {
    let attempts = 0;
    const { engine } = createTestEngine({
      dial: () => () => {
        attempts++;
        return Promise.reject(new Error('the certificate is not for this host'));
      },
    });
    await expect(engine.login(target, identity, { connectTimeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'connect_failed',
      safeToRetry: false,
    });
    expect(attempts).toBe(1);
  });

  test.each([
    ['a dial that hangs', (): Promise<never> => new Promise(() => {}), 'did not accept a connection within 300 ms'],
    ['a Postgres that is silent', undefined, 'did not finish the login within 300 ms'],
  ])('%s ends with the budget, not with the longer login timeout', async (_, dial, message) => {
    const { engine, pass, clock } = createTestEngine({ dial: (real) => dial ?? real });
    const login = engine.login(target, identity, { connectTimeoutMs: 300 }).catch((error: unknown) => error);
    await pass(250);
    expect(engine.stats().pools).toMatchObject([{ connecting: 1 }]);
    await pass(50);
    const error = await login;
    expect(error).toMatchObject({ kind: 'pool', code: 'connect_timeout' });
    expect((error as PoolError).message).toContain(message);
    expect(engine.stats().pools).toEqual([]);
    await pass(6_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test('waits for a Postgres that is starting', async () => {
    const { engine, postgres, pass } = createTestEngine();
    const login = engine.login(target, identity, { connectTimeoutMs: 5_000 });
    const starting = await postgres.nextConnection();
    starting.send(
      encodeErrorResponse({ severity: 'FATAL', code: '57P03', message: 'the database system is starting up' }),
    );
    await settle();
    await pass(50);
    await answering(postgres);
    await login;
    expect(engine.stats().pools).toMatchObject([{ idle: 1 }]);
  });
});
