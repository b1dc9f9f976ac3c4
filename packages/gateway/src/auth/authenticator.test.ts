import { PoolError, type PoolErrorCode } from '@postern/pool';
import { createFakeClock, type FakeClock } from '@postern/testkit';
import { DatabaseError } from '@postern/wire';
import { describe, expect, it } from 'vitest';
import { createEndpoint } from '../endpoints/endpoint.ts';
import { createNodeAuthCrypto } from '../node/auth-crypto.ts';
import { createFakeEngine, type FakeEngine } from '../startup/fake-engine.fixture.ts';
import type { AuthCrypto } from './auth-crypto.ts';
import { type Authenticator, createAuthenticator, type PasswordLogin } from './authenticator.ts';

const endpoint = createEndpoint({ name: 'main', databaseUrl: 'postgres://db/app' });
const other = createEndpoint({ name: 'other', databaseUrl: 'postgres://db/app' });

interface Fixture {
  authenticator: Authenticator;
  engine: FakeEngine;
  clock: FakeClock;
  slowHashes: () => number;
  verify: (login?: Partial<PasswordLogin>) => ReturnType<Authenticator['verifyPassword']>;
  /** Lets refusals and delays pass. */
  outcome: <T>(promise: Promise<T>) => Promise<T | Error>;
}

function create(options: { maxLogins?: number; maxWaitingLogins?: number } = {}): Fixture {
  const clock = createFakeClock();
  const engine = createFakeEngine({ alice: 'secret' });
  let slowHashes = 0;
  const native = createNodeAuthCrypto();
  const crypto: AuthCrypto = {
    ...native,
    async slowHash(password, salt) {
      slowHashes += 1;
      return native.hmac(salt, password);
    },
  };
  const authenticator = createAuthenticator({ engine, clock, crypto, ...options });
  return {
    authenticator,
    engine,
    clock,
    slowHashes: () => slowHashes,
    verify: (login) =>
      authenticator.verifyPassword({
        endpoint,
        user: 'alice',
        database: 'app',
        password: 'secret',
        address: '192.0.2.1',
        ...login,
      }),
    async outcome(promise) {
      let result: unknown;
      promise.then(
        (value) => {
          result = value;
        },
        (error) => {
          result = error;
        },
      );
      for (let turn = 0; turn < 200 && result === undefined; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(50);
      }
      return result as Awaited<typeof promise> | Error;
    },
  };
}

describe('verifyPassword', () => {
  it('asks Postgres once, then takes its word until the lifetime is over', async () => {
    const { verify, engine, clock } = create();
    const first = await verify();
    expect(first).toMatchObject({ user: 'alice', secret: { kind: 'password', password: 'secret' } });
    expect((await verify({ database: 'elsewhere' })).id).toBe(first.id);
    expect(engine.logins).toHaveLength(1);
    clock.advance(300_001);
    expect((await verify()).id).toBe(first.id);
    expect(engine.logins).toHaveLength(2);
  });

  it('knows an identity again as long as it would give it for the password, and at its endpoint only', async () => {
    const { verify, authenticator, clock } = create();
    const identity = await verify();
    const isCurrent = authenticator.currentCheck(endpoint, identity);
    expect(isCurrent()).toBe(true);
    expect(authenticator.currentCheck(other, identity)()).toBe(false);
    expect(authenticator.currentCheck(endpoint, authenticator.passwordIdentity(endpoint, 'alice', 'wrong'))()).toBe(
      false,
    );
    // Falling silent ends it, use prolongs it, Postgres' word is older than its lifetime all the same.
    for (let minute = 0; minute < 5; minute++) {
      expect(isCurrent()).toBe(true);
      clock.advance(59_000);
    }
    clock.advance(6_000);
    expect(isCurrent()).toBe(false);
    await verify();
    expect(isCurrent()).toBe(true);
    authenticator.forget(identity.id);
    expect(isCurrent()).toBe(false);
    await verify();
    clock.advance(121_000);
    expect(isCurrent()).toBe(false);
  });

  it('hashes slowly only when the credential has been silent for a while', async () => {
    const { verify, slowHashes, clock, engine } = create();
    await verify();
    expect(slowHashes()).toBe(1);
    for (let n = 0; n < 100; n++) await verify();
    expect(slowHashes()).toBe(1);
    clock.advance(121_000);
    await Promise.all(Array.from({ length: 100 }, () => verify()));
    expect(slowHashes()).toBe(2);
    expect(engine.logins).toHaveLength(1);
  });

  it('logs in once for many callers at the same moment', async () => {
    const { verify, engine } = create();
    const ids = new Set((await Promise.all(Array.from({ length: 200 }, () => verify()))).map(({ id }) => id));
    expect([ids.size, engine.logins.length]).toEqual([1, 1]);
  });

  it('gives different ids to different users, endpoints and secrets', async () => {
    const { verify, engine } = create();
    engine.passwords.set('bob', 'secret');
    const ids = [await verify(), await verify({ user: 'bob' }), await verify({ endpoint: other })];
    engine.passwords.set('alice', 'changed');
    ids.push(await verify({ password: 'changed' }));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(4);
    for (const { id } of ids) expect(id).not.toContain('secret');
  });

  it('takes neither a wrong password nor the old one for good', async () => {
    const { verify, engine, outcome } = create();
    await verify();
    expect(await outcome(verify({ password: 'wrong' }))).toMatchObject({
      code: 'authentication_failed',
      sqlstate: '28P01',
    });
    expect(await outcome(verify({ password: 'wrong' }))).toMatchObject({ code: 'authentication_failed' });
    engine.passwords.set('alice', 'changed');
    await verify({ password: 'changed' });
    expect(await outcome(verify())).toMatchObject({ code: 'authentication_failed' });
  });

  it('forgets a credential Postgres refused elsewhere', async () => {
    const { verify, engine, authenticator, outcome } = create();
    const { id } = await verify();
    engine.passwords.set('alice', 'changed');
    expect(await verify()).toMatchObject({ id });
    authenticator.forget(id);
    expect(await outcome(verify())).toMatchObject({ code: 'authentication_failed' });
  });

  it('makes no difference between wrong password, unknown user and unknown endpoint, in text and time', async () => {
    const { verify, clock, outcome } = create();
    const seen: unknown[] = [];
    for (const login of [{ password: 'wrong' }, { endpoint: undefined }, { password: 'secret ' }]) {
      const startedAt = clock.now();
      const error = (await outcome(verify(login))) as Error & { sqlstate: string; hint: string };
      seen.push([error.message, error.sqlstate, error.hint, clock.now() - startedAt]);
    }
    expect(seen[0]).toEqual(['password authentication failed for user "alice"', '28P01', expect.any(String), 300]);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('makes no difference either where Postgres is far away', async () => {
    const { verify, clock, engine, outcome } = create();
    engine.login = (target, identity) =>
      new Promise((_, reject) => {
        engine.logins.push({ target, identity, connectTimeoutMs: undefined });
        clock.after(600, () => reject(new DatabaseError({ severity: 'FATAL', code: '28P01', message: 'no' })));
      });
    const times: number[] = [];
    for (const login of [{ password: 'wrong' }, { endpoint: undefined }, { password: 'wrong too' }]) {
      const startedAt = clock.now();
      expect(await outcome(verify(login))).toMatchObject({ sqlstate: '28P01' });
      times.push(clock.now() - startedAt);
    }
    expect(times).toEqual([800, 800, 800]);
  });

  it.each([
    ['28P01', undefined, 'authentication_failed'],
    ['28000', 'InitializeSessionUserId', 'authentication_failed'],
    ['28000', 'ClientAuthentication', '28000'],
    ['3D000', 'InitPostgres', '3D000'],
    ['53300', undefined, '53300'],
  ])('Postgres says %s (%s): the caller hears %s', async (code, routine, expected) => {
    const { verify, engine, outcome } = create();
    engine.loginError = new DatabaseError({ severity: 'FATAL', code, message: 'no', routine });
    expect(await outcome(verify())).toMatchObject({ code: expected });
    engine.loginError = undefined;
    await verify();
    expect(engine.logins).toHaveLength(2);
  });

  const refused = Object.assign(new Error('10.0.0.7:5432: connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const inWords = (code: PoolErrorCode, cause: Error): PoolError =>
    new PoolError({ code, sqlstate: '08001', message: `cannot reach ${cause.message}`, safeToRetry: true, cause });
  it.each([
    [refused, 'connect_failed', /ECONNREFUSED/],
    [inWords('connect_failed', refused), 'connect_failed', /ECONNREFUSED/],
    [inWords('connect_timeout', refused), 'connect_timeout', /ECONNREFUSED/],
    [inWords('connect_failed', new Error('10.0.0.7:5432: unexpected bytes')), 'connect_failed', /tried for 0\.0 s\)/],
  ])('says that Postgres cannot be reached, but not to strangers where it is: %s', async (thrown, code, message) => {
    const { verify, engine, outcome } = create();
    engine.loginError = thrown;
    const error = await outcome(verify());
    expect(error).toMatchObject({ code, sqlstate: '08001', detail: expect.stringContaining('10.0.0.7') });
    expect((error as Error).message).toMatch(/^cannot reach the database server /);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('10.0.0.7');
  });

  it('passes on what else the pool says', async () => {
    const { verify, engine, outcome } = create();
    engine.loginError = inWords(
      'connect_timeout',
      new DatabaseError({ severity: 'FATAL', code: '57P03', message: 'starting' }),
    );
    expect(await outcome(verify())).toBe(engine.loginError);
  });

  it('slows down who guesses, but not the same user elsewhere', async () => {
    const { verify, clock, engine, outcome } = create();
    for (let n = 0; n < 8; n++) await outcome(verify({ password: `wrong ${n}` }));
    const logins = engine.logins.length;
    const guess = verify({ password: 'again' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.logins).toHaveLength(logins);
    await verify({ address: '192.0.2.2' });
    expect(engine.logins).toHaveLength(logins + 1);
    clock.advance(4_000);
    expect(await outcome(guess)).toMatchObject({ code: 'authentication_failed' });
    // The good password still works from the guesser's address, once accepted.
    await verify();
  });

  it('slows down who guesses much at once as well', async () => {
    const { verify, engine, outcome } = create();
    let answer = (): void => {};
    engine.loginGate = new Promise((resolve) => {
      answer = resolve;
    });
    const guesses = Array.from({ length: 80 }, (_, n) => outcome(verify({ password: `wrong ${n}` })));
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.logins).toHaveLength(5);
    answer();
    expect((await Promise.all(guesses)).every((error) => error instanceof Error)).toBe(true);
    // Those that may wait; the others were refused as soon as the first had failed.
    expect(engine.logins).toHaveLength(5 + 16);
  });

  it('lets who does not guess reach many databases at once', async () => {
    const { verify, engine } = create();
    await Promise.all(Array.from({ length: 80 }, (_, n) => verify({ database: `d${n}` })));
    expect(engine.logins.length).toBeGreaterThan(1);
  });

  it('refuses at once when too many guesses wait', async () => {
    const { verify, engine, outcome } = create();
    for (let n = 0; n < 8; n++) await outcome(verify({ password: `wrong ${n}` }));
    const logins = engine.logins.length;
    const guesses = await Promise.all(Array.from({ length: 40 }, (_, n) => outcome(verify({ password: `many ${n}` }))));
    expect(guesses.every((error) => error instanceof Error)).toBe(true);
    expect(engine.logins.length - logins).toBe(16);
  });

  it('lets wait what exceeds the limit of logins, up to a limit', async () => {
    const { verify, engine, outcome } = create({ maxLogins: 2, maxWaitingLogins: 1 });
    engine.loginGate = new Promise(() => {});
    for (const user of ['a', 'b', 'c']) void verify({ user });
    expect(await outcome(verify({ user: 'd' }))).toMatchObject({ code: 'too_many_sessions', sqlstate: '53300' });
    expect(engine.logins.map(({ identity }) => identity.user)).toEqual(['a', 'b']);
    // Another endpoint is another Postgres.
    void verify({ user: 'e', endpoint: other });
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.logins).toHaveLength(3);
  });

  it('holds back guesses before they cost a slow hash', async () => {
    const { verify, clock, slowHashes, outcome } = create();
    await verify();
    clock.advance(121_000);
    for (let n = 0; n < 6; n++) await outcome(verify({ password: `wrong ${n}` }));
    const before = slowHashes();
    void verify({ password: 'again' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(slowHashes()).toBe(before);
  });
});
