/** Identities that Postgres accepted at one worker, so that the others need not ask it again at once. */
import type { Clock } from '@postern/pool';
import { LRUCache } from 'lru-cache';

export interface AcceptedIdentities {
  add(identity: string): void;
  has(identity: string): boolean;
  delete(identity: string): void;
}

export interface AcceptedIdentitiesOptions {
  readonly clock: Clock;
  /** By so much a password can outlive its lifetime in the workers' own memory. */
  readonly lifetimeMs?: number;
  readonly maxIdentities?: number;
}

export function createAcceptedIdentities(options: AcceptedIdentitiesOptions): AcceptedIdentities {
  const { clock, lifetimeMs = 60_000, maxIdentities = 10_000 } = options;
  const acceptedAt = new LRUCache<string, number>({ max: maxIdentities });
  return {
    add: (identity) => void acceptedAt.set(identity, clock.now()),
    has: (identity) => clock.now() - (acceptedAt.get(identity) ?? Number.NEGATIVE_INFINITY) < lifetimeMs,
    delete: (identity) => void acceptedAt.delete(identity),
  };
}
