/**
 * What is needed to challenge a caller with SCRAM instead of asking for its password: the verifier of its role. The
 * endpoint's own role is known from the database URL; others are read from Postgres if that role may read pg_authid.
 */
import type { Clock, Identity } from '@postern/pool';
import {
  buildScramVerifier,
  DatabaseError,
  mockScramVerifier,
  parseScramVerifier,
  type ScramVerifier,
} from '@postern/wire';
import { LRUCache } from 'lru-cache';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { AuthCrypto } from './auth-crypto.ts';
import type { Authenticator } from './authenticator.ts';

export type ScramOffer =
  | {
      kind: 'challenge';
      verifier: ScramVerifier;
      /** Who the caller is once the proof was right. Undefined: nobody, the exchange is played for its own sake. */
      identify: ((clientKey: Uint8Array) => Identity) | undefined;
    }
  /** No verifier can be had; the caller has to show its password. */
  | { kind: 'unavailable'; reason: string };

export interface ScramVerifiersOptions {
  /** The first is what unknown endpoints imitate. */
  endpoints: readonly Endpoint[];
  authenticator: Pick<Authenticator, 'passwordIdentity' | 'scramIdentity'>;
  /** `pg_authid.rolpassword` of a role that may log in; null when there is none. Rejects with DatabaseError and others. */
  readVerifier: (endpoint: Endpoint, role: Identity, user: string) => Promise<string | null>;
  clock: Clock;
  crypto: AuthCrypto;
  /** 32 secret bytes that decide the salts of users who do not exist; the same for all gateways of one address. */
  mockSeed?: Uint8Array;
  /** How long a verifier, or its absence, is taken as known: a new password is good after it at the latest. */
  freshMs?: number;
  /** How long it goes on being used when Postgres cannot be asked, or not within `patienceMs`. */
  lifetimeMs?: number;
  /** How long the answer may take before the last one has to do. */
  patienceMs?: number;
  maxVerifiers?: number;
}

export interface ScramVerifiers {
  offer(endpoint: Endpoint | undefined, user: string): Promise<ScramOffer>;
}

/** What `rolpassword` held. */
type Known =
  | { readonly kind: 'verifier'; readonly verifier: ScramVerifier }
  | { readonly kind: 'none' }
  | { readonly kind: 'other' };

interface Entry {
  known: Promise<Known>;
  /** Until then Postgres is not asked again. */
  freshUntil: number;
  /** Until then it may stand in for an answer that does not come. */
  usableUntil: number;
}

export function createScramVerifiers(options: ScramVerifiersOptions): ScramVerifiers {
  const { authenticator, clock, crypto, maxVerifiers = 10_000 } = options;
  const { freshMs = 1_000, lifetimeMs = 300_000, patienceMs = 500 } = options;
  const mockSeed = options.mockSeed ?? crypto.randomBytes(32);
  const read = new LRUCache<string, Entry>({ max: maxVerifiers });
  const ownVerifiers = new Map<string, Promise<ScramVerifier>>();
  /** Endpoints whose role may not read pg_authid, and until when we believe it. */
  const unreadableUntil = new Map<string, number>();
  let iterations: number | undefined;

  async function mock(user: string): Promise<ScramOffer> {
    return { kind: 'challenge', verifier: await mockScramVerifier(user, mockSeed, iterations), identify: undefined };
  }

  /** Built once per endpoint: the salt must not change from one connection to the next, or it would tell. */
  function ownVerifier(endpoint: Endpoint, password: string): Promise<ScramVerifier> {
    let verifier = ownVerifiers.get(endpoint.name);
    if (verifier === undefined) {
      verifier = buildScramVerifier(password, crypto.randomBytes(16));
      ownVerifiers.set(endpoint.name, verifier);
    }
    return verifier;
  }

  function lookUp(endpoint: Endpoint, role: Identity, user: string): Promise<Known> {
    const key = `${endpoint.name}\0${user}`;
    const last = read.get(key);
    const now = clock.now();
    if (last !== undefined && now < last.freshUntil) return last.known;
    const asked = options.readVerifier(endpoint, role, user).then(classify);
    const fallback = last !== undefined && now < last.usableUntil ? last : undefined;
    const known = fallback === undefined ? asked : orElse(asked, fallback.known);
    const entry: Entry = { known, freshUntil: now + lifetimeMs, usableUntil: fallback?.usableUntil ?? 0 };
    read.set(key, entry);
    asked.then(
      () => {
        entry.known = asked;
        entry.freshUntil = clock.now() + freshMs;
        entry.usableUntil = clock.now() + lifetimeMs;
      },
      () => {
        entry.freshUntil = clock.now() + freshMs;
        // A failure is not an answer: the next caller asks again.
        if (fallback === undefined && read.peek(key) === entry) read.delete(key);
      },
    );
    return known;
  }

  /** What Postgres answers, unless it fails or takes too long. */
  function orElse(asked: Promise<Known>, last: Promise<Known>): Promise<Known> {
    return new Promise((resolve) => {
      const waiting = clock.after(patienceMs, () => resolve(last));
      asked
        .catch(() => last)
        .then((known) => {
          waiting.cancel();
          resolve(known);
        });
    });
  }

  async function offerOf(endpoint: Endpoint, user: string | undefined): Promise<ScramOffer> {
    const { role } = endpoint;
    // Without a password in the URL, Postgres lets the role in by other means; ask for whatever the caller has.
    if (role === undefined || role.password === '') return unavailable('the endpoint has no role with a password');
    if (user === role.user) {
      return {
        kind: 'challenge',
        verifier: await ownVerifier(endpoint, role.password),
        identify: () => authenticator.passwordIdentity(endpoint, role.user, role.password),
      };
    }
    if ((unreadableUntil.get(endpoint.name) ?? 0) > clock.now())
      return unavailable('the endpoint’s role may not read verifiers');
    try {
      const identity = authenticator.passwordIdentity(endpoint, role.user, role.password);
      // A caller of an unknown endpoint gets what a user nobody knows gets; an empty name is such a user.
      const known = await lookUp(endpoint, identity, user ?? '');
      if (known.kind === 'other') return unavailable('the role has no SCRAM password');
      if (known.kind === 'none') return mock(user ?? '');
      iterations = known.verifier.iterations;
      return {
        kind: 'challenge',
        verifier: known.verifier,
        identify: (clientKey) => authenticator.scramIdentity(endpoint, user ?? '', known.verifier, clientKey),
      };
    } catch (error) {
      if (error instanceof DatabaseError && error.code === '42501') {
        unreadableUntil.set(endpoint.name, clock.now() + lifetimeMs);
      }
      return unavailable(error instanceof Error ? error.message : 'the verifier could not be read');
    }
  }

  return {
    async offer(endpoint, user) {
      if (endpoint !== undefined) return offerOf(endpoint, user);
      const [model] = options.endpoints;
      if (model === undefined) return unavailable('no endpoint');
      const offer = await offerOf(model, undefined);
      return offer.kind === 'challenge' ? mock(user) : offer;
    },
  };
}

function classify(rolpassword: string | null): Known {
  if (rolpassword === null) return { kind: 'none' };
  const verifier = parseScramVerifier(rolpassword);
  return verifier === undefined ? { kind: 'other' } : { kind: 'verifier', verifier };
}

function unavailable(reason: string): ScramOffer {
  return { kind: 'unavailable', reason };
}
