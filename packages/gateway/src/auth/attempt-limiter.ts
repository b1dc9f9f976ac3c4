/**
 * Slows down whoever guesses passwords. Failures are counted per user and address, so that one caller's mistakes do not
 * lock out another; beyond a few, every further attempt waits longer, and only so many may wait.
 */
import type { Clock } from '@postern/pool';
import { LRUCache } from 'lru-cache';

export interface AttemptLimiterOptions {
  clock: Clock;
  /** Failures that cost nothing: people mistype. */
  freeFailures?: number;
  /** Wait of the first attempt after those; doubles with each further failure. */
  firstDelayMs?: number;
  maxDelayMs?: number;
  /** Failures are forgotten when the last one is this old. */
  memoryMs?: number;
  /** Attempts of one user and address that may wait at once; more fail at once. */
  maxWaiting?: number;
  /** Users and addresses remembered. */
  maxEntries?: number;
}

export interface AttemptLimiter {
  /** Resolves when the attempt may be made: true, or false when too many wait already. */
  enter(key: string): Promise<boolean>;
  failed(key: string): void;
  succeeded(key: string): void;
}

interface Entry {
  failures: number;
  failedAt: number;
  waiting: number;
}

export function createAttemptLimiter(options: AttemptLimiterOptions): AttemptLimiter {
  const {
    clock,
    freeFailures = 5,
    firstDelayMs = 250,
    maxDelayMs = 4_000,
    memoryMs = 60_000,
    maxWaiting = 16,
    maxEntries = 10_000,
  } = options;
  const entries = new LRUCache<string, Entry>({ max: maxEntries });

  return {
    async enter(key) {
      const entry = entries.get(key);
      if (entry === undefined) return true;
      if (entry.failedAt + memoryMs <= clock.now()) {
        entry.failures = 0;
        return true;
      }
      const excess = entry.failures - freeFailures;
      if (excess < 0) return true;
      if (entry.waiting >= maxWaiting) return false;
      entry.waiting += 1;
      const delayMs = Math.min(firstDelayMs * 2 ** Math.min(excess, 20), maxDelayMs);
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
      entry.waiting -= 1;
      return true;
    },
    failed(key) {
      const entry = entries.get(key) ?? { failures: 0, failedAt: 0, waiting: 0 };
      entry.failures += 1;
      entry.failedAt = clock.now();
      entries.set(key, entry);
    },
    succeeded(key) {
      entries.delete(key);
    },
  };
}
