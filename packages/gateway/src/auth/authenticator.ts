/**
 * Pass-through authentication: callers are their own Postgres roles. Postgres is asked once per credential, by logging
 * in; that connection stays for the pool. Unknown endpoint, unknown user and wrong password look alike and take alike.
 */
import { GatewayError, passwordAuthenticationFailed } from '@postern/contract';
import { type Clock, type Engine, type Identity, PoolError, type Secret } from '@postern/pool';
import { DatabaseError, type ScramVerifier, sqlState } from '@postern/wire';
import { type Endpoint, endpointTarget } from '../endpoints/endpoint.ts';
import { createAttemptLimiter } from './attempt-limiter.ts';
import type { AuthCrypto } from './auth-crypto.ts';
import { createCredentialCache } from './credential-cache.ts';
import { createTurnstile, type Turnstile } from './turnstile.ts';

export interface AuthenticatorOptions {
  engine: Pick<Engine, 'login'>;
  clock: Clock;
  crypto: AuthCrypto;
  /** How long an accepted password is good without asking Postgres again. */
  credentialLifetimeMs?: number;
  maxCredentials?: number;
  /** Budget for reaching Postgres of callers who name none; 0 = no limit. */
  connectTimeoutMs?: number;
  /** A refusal takes a whole multiple of this, so that its time does not tell why; it also slows guessing. */
  refusalStepMs?: number;
  /** Logins under way at once per endpoint: each is a connection to Postgres, and a flood of them would use them up. */
  maxLogins?: number;
  /** Logins that may wait for one of these. */
  maxWaitingLogins?: number;
  /** Makes the names of identities; the same in processes that share server connections. Random when left out. */
  identityKey?: Uint8Array;
  /** Other processes that verify the same callers. */
  elsewhere?: AcceptedElsewhere;
}

/** What processes that verify the same callers tell each other. */
export interface AcceptedElsewhere {
  /** Whether Postgres accepted this identity at another one a moment ago. */
  isAcceptedElsewhere(identityId: string): Promise<boolean>;
  accepted(identityId: string): void;
  forget(identityId: string): void;
}

/** Who a caller claims to be. */
export interface LoginAttempt {
  /** Undefined: what the caller named does not exist, which it must not learn. */
  endpoint: Endpoint | undefined;
  user: string;
  database: string;
  /** The caller's network address: failures are counted by it. */
  address: string;
  /** Budget for reaching Postgres, waking it included; 0 = no limit. Undefined: the engine's default. */
  connectTimeoutMs?: number | undefined;
}

export interface PasswordLogin extends LoginAttempt {
  password: string;
}

export interface Authenticator {
  /** Rejects with GatewayError `authentication_failed` / `endpoint_unknown`, or with what else Postgres or the pool said. */
  verifyPassword(login: PasswordLogin): Promise<Identity>;
  /**
   * Tells, whenever it is called, whether an identity that `verifyPassword` gave would be given for the same password now,
   * without asking anybody.
   */
  currentCheck(endpoint: Endpoint, identity: Identity): () => boolean;
  /** The identity of someone who proved by SCRAM to know the password of `verifier`. */
  scramIdentity(endpoint: Endpoint, user: string, verifier: ScramVerifier, clientKey: Uint8Array): Identity;
  /** The identity that goes with a password that was verified otherwise. */
  passwordIdentity(endpoint: Endpoint, user: string, password: string): Identity;
  /**
   * Does what decides an attempt, when it may be made; throws when too many wait. `verifyPassword` does it by itself. Many at
   * once are held back until those before them have ended: so `work` refuses by `refuse`.
   */
  tryOnce<T>(attempt: LoginAttempt, work: () => Promise<T>): Promise<T>;
  /** For refusals found elsewhere (a wrong SCRAM proof): counts it and returns the error when it may be told. */
  refuse(attempt: LoginAttempt, startedAtMs: number, reason: string): Promise<GatewayError>;
  /** Postgres no longer accepts this identity. */
  forget(identityId: string): void;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { engine, clock, crypto } = options;
  const { credentialLifetimeMs = 300_000, maxCredentials = 10_000, refusalStepMs = 250 } = options;
  const { maxLogins = 16, maxWaitingLogins = 1_000 } = options;
  const { connectTimeoutMs: defaultConnectTimeoutMs = 5_000 } = options;
  const { identityKey = crypto.randomBytes(32), elsewhere } = options;
  const credentials = createCredentialCache({
    clock,
    crypto,
    lifetimeMs: credentialLifetimeMs,
    fastLifetimeMs: Math.min(60_000, credentialLifetimeMs),
    maxCredentials,
  });
  const attempts = createAttemptLimiter({ clock });
  const turnstiles = new Map<string, Turnstile>();
  /** Two hundred callers who arrive at once with the same credential cause one login. */
  const underWay = new Map<string, Promise<Identity>>();
  /** How long Postgres took to refuse somebody last. An endpoint that does not exist takes as long. */
  let usualRefusalMs = 0;

  function turnstileOf(endpoint: Endpoint): Turnstile {
    let turnstile = turnstiles.get(endpoint.name);
    if (turnstile === undefined) {
      turnstile = createTurnstile({
        maxRunning: maxLogins,
        maxWaiting: maxWaitingLogins,
        onFull: () =>
          new GatewayError('too_many_sessions', `too many logins are waiting (limit ${maxWaitingLogins})`, {
            hint: 'Try again; logins are only needed for credentials that were not used for a while.',
          }),
      });
      turnstiles.set(endpoint.name, turnstile);
    }
    return turnstile;
  }

  /** The same credential has the same id for the life of the process, so its pool outlives the cache entry. */
  function identityOf(endpoint: Endpoint, user: string, secret: Secret, proof: string): Identity {
    const tag = crypto.hmac(identityKey, [endpoint.name, user, secret.kind, proof].join('\0'));
    return { id: toHex(tag.subarray(0, 16)), user, secret };
  }

  function passwordIdentity(endpoint: Endpoint, user: string, password: string): Identity {
    return identityOf(endpoint, user, { kind: 'password', password }, password);
  }

  async function logIn(login: PasswordLogin, endpoint: Endpoint, identity: Identity): Promise<Identity> {
    const key = credentialKey(endpoint, login.user);
    const recalled = credentials.recall(key, login.password);
    if (recalled === 'accepted') return identity;
    return tryOnce(login, async () => {
      if (recalled === 'unsure' && (await credentials.compare(key, login.password))) return identity;
      await askPostgres(login, endpoint, identity);
      credentials.accept(key, login.password, identity.id);
      return identity;
    });
  }

  async function askPostgres(login: PasswordLogin, endpoint: Endpoint, identity: Identity): Promise<void> {
    const connectTimeoutMs = login.connectTimeoutMs ?? defaultConnectTimeoutMs;
    const askedAtMs = clock.now();
    if ((await elsewhere?.isAcceptedElsewhere(identity.id)) !== true) {
      try {
        await turnstileOf(endpoint).run(() =>
          engine.login(endpointTarget(endpoint, login.database), identity, { connectTimeoutMs }),
        );
      } catch (error) {
        if (isCredentialRefusal(error)) {
          usualRefusalMs = clock.now() - askedAtMs;
          attempts.failed(attemptKey(login));
        }
        throw explainUnreachable(error, clock.now() - askedAtMs);
      }
      elsewhere?.accepted(identity.id);
    }
    attempts.succeeded(attemptKey(login));
  }

  async function verifyPassword(login: PasswordLogin): Promise<Identity> {
    const startedAtMs = clock.now();
    const { endpoint } = login;
    if (endpoint === undefined) {
      await tryOnce(login, async () => {
        await pause(usualRefusalMs);
        attempts.failed(attemptKey(login));
      });
      throw await refusal(login, startedAtMs, 'unknown endpoint');
    }
    const identity = passwordIdentity(endpoint, login.user, login.password);
    const flightKey = `${identity.id} ${login.database}`;
    let flight = underWay.get(flightKey);
    if (flight === undefined) {
      flight = logIn(login, endpoint, identity).finally(() => underWay.delete(flightKey));
      underWay.set(flightKey, flight);
    }
    try {
      return await flight;
    } catch (error) {
      if (!isCredentialRefusal(error)) throw error;
      credentials.forget(identity.id);
      throw await refusal(login, startedAtMs, error.message);
    }
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void clock.after(milliseconds, resolve));
  }

  function tryOnce<T>(login: LoginAttempt, work: () => Promise<T>): Promise<T> {
    return attempts.run(attemptKey(login), work, () => tooManyWait(login));
  }

  function tooManyWait({ user }: LoginAttempt): GatewayError {
    return passwordAuthenticationFailed(user, { detail: 'too many failed attempts are waiting' });
  }

  async function refuse(login: LoginAttempt, startedAtMs: number, reason: string): Promise<GatewayError> {
    attempts.failed(attemptKey(login));
    return refusal(login, startedAtMs, reason);
  }

  /** The error, when it may be told. */
  async function refusal(login: LoginAttempt, startedAtMs: number, reason: string): Promise<GatewayError> {
    const elapsedMs = clock.now() - startedAtMs;
    const untilMs = Math.ceil((elapsedMs + 1) / refusalStepMs) * refusalStepMs;
    await pause(untilMs - elapsedMs);
    const code = login.endpoint === undefined ? 'endpoint_unknown' : 'authentication_failed';
    return passwordAuthenticationFailed(login.user, { code, detail: reason });
  }

  return {
    verifyPassword,
    currentCheck(endpoint, { id, user }) {
      const key = credentialKey(endpoint, user);
      return () => credentials.isCurrent(key, id);
    },
    passwordIdentity,
    scramIdentity(endpoint, user, verifier, clientKey) {
      const secret: Secret = { kind: 'scram-keys', clientKey, serverKey: verifier.serverKey };
      return identityOf(endpoint, user, secret, toHex(verifier.storedKey));
    },
    refuse,
    tryOnce,
    forget: (identityId) => credentials.forget(identityId),
  };
}

/** Postgres' ways of saying that user and password do not fit; everything else is told to the caller as it is. */
function isCredentialRefusal(error: unknown): error is DatabaseError {
  if (!(error instanceof DatabaseError)) return false;
  if (error.code === sqlState.invalidPassword) return true;
  // "role does not exist", "is not permitted to log in". A missing pg_hba.conf line is another routine and is passed on.
  return error.code === sqlState.invalidAuthorizationSpecification && error.routine === 'InitializeSessionUserId';
}

/** Errors of the system (ECONNREFUSED, ENOTFOUND …) in words; where Postgres is, only the operator is told. */
function explainUnreachable(error: unknown, triedMs: number): unknown {
  const isOfThePool = error instanceof PoolError;
  const cause = isOfThePool ? error.cause : error;
  if (!(cause instanceof Error) || 'kind' in cause || !(isOfThePool || 'code' in cause)) return error;
  const lastError = 'code' in cause ? `; last error: ${cause.code}` : '';
  const message = `cannot reach the database server (tried for ${(triedMs / 1000).toFixed(1)} s${lastError})`;
  const code = isOfThePool && error.code === 'connect_timeout' ? 'connect_timeout' : 'connect_failed';
  return new GatewayError(code, message, {
    detail: cause.message,
    cause: error,
    ...(isOfThePool && error.hint !== undefined ? { hint: error.hint } : {}),
  });
}

function credentialKey(endpoint: Endpoint, user: string): string {
  return `${endpoint.name}\0${user}`;
}

function attemptKey(login: LoginAttempt): string {
  return `${login.address}\0${login.endpoint?.name ?? ''}\0${login.user}`;
}

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
