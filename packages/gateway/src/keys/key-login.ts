/**
 * Logging in with an API key instead of a role's password: over HTTP, WebSocket and TCP alike. Whoever shows a key is the
 * key's role at the key's endpoint, whatever user and host it names.
 */
import { GatewayError } from '@postern/contract';
import type { Clock, SessionOptions } from '@postern/pool';
import type { Authenticator, LoginAttempt } from '../auth/authenticator.ts';
import type { AccessOf, KeyAccess } from './key-access.ts';
import type { KeyRing } from './key-ring.ts';
import { keyIdOf } from './key-secret.ts';

/** Where a caller may put its key. */
export interface ShownSecrets {
  /** `api_key=` among the options. */
  readonly apiKey?: string | undefined;
  /** `Authorization: Bearer …`. */
  readonly bearerToken?: string | undefined;
  readonly password?: string | undefined;
}

export interface KeyLogin {
  /** Whether anybody has a key: a key cannot answer a challenge, so callers are then asked for what they have. */
  isInUse(): boolean;
  /**
   * What the caller's key opens; undefined: it shows none. Refuses unknown and revoked keys as wrong passwords are refused
   * (28P01, in the same time).
   */
  open(secrets: ShownSecrets, attempt: LoginAttempt): Promise<KeyAccess | undefined>;
}

export interface KeyLoginOptions {
  readonly keys: KeyRing;
  readonly accessOf: AccessOf;
  readonly authenticator: Pick<Authenticator, 'tryOnce' | 'refuse'>;
  readonly clock: Clock;
}

export function createKeyLogin({ keys, accessOf, authenticator, clock }: KeyLoginOptions): KeyLogin {
  return {
    isInUse: () => !keys.isEmpty(),
    async open(secrets, attempt) {
      const secret = keyAmong(secrets);
      if (secret === undefined) return undefined;
      const startedAtMs = clock.now();
      const grant = await keys.find(secret);
      if (grant !== undefined) return accessOf(grant);
      if (secret === secrets.bearerToken && keyIdOf(secret) === undefined) throw foreignToken();
      return authenticator.tryOnce(attempt, async () => {
        throw await authenticator.refuse(attempt, startedAtMs, 'the API key is unknown, or was revoked');
      });
    },
  };
}

/** A password counts as a key only if it looks like one; a token does even so where there is no password. */
function keyAmong({ apiKey, bearerToken, password }: ShownSecrets): string | undefined {
  if (apiKey !== undefined) return apiKey;
  if (bearerToken !== undefined && (password === undefined || keyIdOf(bearerToken) !== undefined)) return bearerToken;
  return password !== undefined && keyIdOf(password) !== undefined ? password : undefined;
}

function foreignToken(): GatewayError {
  return new GatewayError('missing_credentials', 'missing authentication credentials: required password', {
    hint: 'The only tokens this gateway takes are its API keys; else put the password into the connection string.',
  });
}

/** What the caller asked for, within what its key allows. */
export function withinAccess(
  { startupParameters, settings }: KeyAccess,
  asked: Required<Pick<SessionOptions, 'startupParameters' | 'settings'>>,
): Required<Pick<SessionOptions, 'startupParameters' | 'settings'>> {
  const { connectionLimit = Number.POSITIVE_INFINITY } = asked.settings;
  return {
    startupParameters: new Map([...startupParameters, ...asked.startupParameters]),
    settings: {
      poolTimeoutMs: asked.settings.poolTimeoutMs ?? settings.poolTimeoutMs,
      connectTimeoutMs: asked.settings.connectTimeoutMs ?? settings.connectTimeoutMs,
      connectionLimit: Math.min(connectionLimit, settings.connectionLimit ?? connectionLimit),
      limitGroup: settings.limitGroup,
    },
  };
}
