/**
 * Passwords Postgres has accepted, so that the next use costs no login. What is kept is a salted slow hash; whoever
 * reads the memory of this process later has to guess against that.
 *
 * A slow hash per HTTP request would cost more than the query. For the time a credential is in use there is therefore
 * also a fast tag: an HMAC under a key this process drew at random. It makes the memory no worse, since the pool must
 * hold the password itself while it may open server connections with it; it is dropped when the credential falls silent.
 */

import type { Clock } from '@postern/pool';
import { constantTimeEqual } from '@postern/wire';
import { LRUCache } from 'lru-cache';
import type { AuthCrypto } from './auth-crypto.ts';

export interface CredentialCacheOptions {
  clock: Clock;
  crypto: AuthCrypto;
  /** How long Postgres' word is taken for a password; a change of password or role works through after it at the latest. */
  lifetimeMs: number;
  /** How long after its last use the fast tag of a credential is kept. */
  fastLifetimeMs: number;
  /** Credentials kept; beyond it the least used one is verified by Postgres again. */
  maxCredentials: number;
}

export interface CredentialCache {
  /**
   * Whether `password` is the one accepted last for `key` (endpoint and user). `unsure`: only `compare` can tell, which
   * is slow on purpose, so whoever guesses must be held back before.
   */
  recall(key: string, password: string): 'accepted' | 'unsure' | 'unknown';
  compare(key: string, password: string): Promise<boolean>;
  /** Whether `recall` would still accept the password that made this identity. Counts as a use of it. */
  isCurrent(key: string, identityId: string): boolean;
  /** Postgres accepted `password`. */
  accept(key: string, password: string, identityId: string): void;
  /** The role's password is not (any more) what Postgres accepts. */
  forget(identityId: string): void;
}

interface Credential {
  readonly identityId: string;
  readonly acceptedUntil: number;
  readonly salt: Uint8Array;
  readonly slowHash: Promise<Uint8Array>;
  fast: { readonly tag: Uint8Array; usedAt: number } | undefined;
}

export function createCredentialCache(options: CredentialCacheOptions): CredentialCache {
  const { clock, crypto, lifetimeMs, fastLifetimeMs, maxCredentials } = options;
  const tagKey = crypto.randomBytes(32);
  const credentials = new LRUCache<string, Credential>({ max: maxCredentials });
  let isSweepPlanned = false;

  function tagOf(key: string, password: string): Uint8Array {
    return crypto.hmac(tagKey, `${key}\0${password}`);
  }

  /** One timer for all, running only while there is something to forget. */
  function planSweep(): void {
    if (isSweepPlanned) return;
    isSweepPlanned = true;
    clock.after(fastLifetimeMs, () => {
      isSweepPlanned = false;
      const now = clock.now();
      let hasFastTags = false;
      for (const [key, credential] of credentials.entries()) {
        if (credential.acceptedUntil <= now) credentials.delete(key);
        else if (credential.fast !== undefined && credential.fast.usedAt + fastLifetimeMs <= now)
          credential.fast = undefined;
        hasFastTags ||= credential.fast !== undefined;
      }
      if (hasFastTags) planSweep();
    });
  }

  return {
    recall(key, password) {
      const credential = credentials.get(key);
      if (credential === undefined || credential.acceptedUntil <= clock.now()) return 'unknown';
      if (credential.fast === undefined) return 'unsure';
      if (!constantTimeEqual(credential.fast.tag, tagOf(key, password))) return 'unknown';
      credential.fast.usedAt = clock.now();
      return 'accepted';
    },
    isCurrent(key, identityId) {
      const credential = credentials.get(key);
      const now = clock.now();
      if (credential?.fast === undefined || credential.identityId !== identityId) return false;
      if (credential.acceptedUntil <= now) return false;
      credential.fast.usedAt = now;
      return true;
    },
    async compare(key, password) {
      const credential = credentials.get(key);
      if (credential === undefined || credential.acceptedUntil <= clock.now()) return false;
      const hash = await crypto.slowHash(password, credential.salt);
      if (!constantTimeEqual(hash, await credential.slowHash)) return false;
      // Replaced or forgotten while we computed: what we compared with is no longer Postgres' word.
      if (credentials.peek(key) !== credential) return false;
      credential.fast = { tag: tagOf(key, password), usedAt: clock.now() };
      planSweep();
      return true;
    },
    accept(key, password, identityId) {
      const salt = crypto.randomBytes(16);
      const slowHash = crypto.slowHash(password, salt);
      // Awaited by `compare` alone, perhaps never.
      slowHash.catch(() => credentials.delete(key));
      const now = clock.now();
      credentials.set(key, {
        identityId,
        acceptedUntil: now + lifetimeMs,
        salt,
        slowHash,
        fast: { tag: tagOf(key, password), usedAt: now },
      });
      planSweep();
    },
    forget(identityId) {
      for (const [key, credential] of credentials.entries()) {
        if (credential.identityId === identityId) credentials.delete(key);
      }
    },
  };
}
