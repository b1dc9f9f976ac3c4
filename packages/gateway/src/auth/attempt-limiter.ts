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
  /** And so many that wait for how others end. */
  maxQueued?: number;
  /** Users and addresses remembered. */
  maxEntries?: number;
}

export interface AttemptLimiter {
  /** Resolves when the attempt may be made: true, or false when too many wait already. */
  enter(key: string): Promise<boolean>;
  /**
   * Enters and does what may fail. As all that is under way may fail, only so many start at once as failures are free; the
   * others wait for how these end. Rejects with `refused` when `enter` says no. `work` calls `failed` or `succeeded` itself.
   */
  run<T>(key: string, work: () => Promise<T>, refused: () => Error): Promise<T>;
  failed(key: string): void;
  succeeded(key: string): void;
}

interface Entry {
  failures: number;
  failedAt: number;
  waiting: number;
  /** Attempts under way, and those that wait for how they end. */
  running: number;
  readonly queue: (() => void)[];
}

export function createAttemptLimiter(options: AttemptLimiterOptions): AttemptLimiter {
  const {
    clock,
    freeFailures = 5,
    firstDelayMs = 250,
    maxDelayMs = 4_000,
    memoryMs = 60_000,
    maxWaiting = 16,
    maxQueued = 1_000,
    maxEntries = 10_000,
  } = options;
  const entries = new LRUCache<string, Entry>({ max: maxEntries });

  function entryOf(key: string): Entry {
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { failures: 0, failedAt: 0, waiting: 0, running: 0, queue: [] };
      entries.set(key, entry);
    }
    return entry;
  }

  function mayStart({ failures, running }: Entry): boolean {
    // From there on it is time that holds them back.
    return failures >= freeFailures || failures + running < freeFailures;
  }

  async function enter(key: string): Promise<boolean> {
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
  }

  return {
    enter,
    async run(key, work, refused) {
      const entry = entryOf(key);
      if (mayStart(entry)) entry.running += 1;
      else if (entry.queue.length >= maxQueued) throw refused();
      else await new Promise<void>((resolve) => entry.queue.push(resolve));
      try {
        if (!(await enter(key))) throw refused();
        return await work();
      } finally {
        entry.running -= 1;
        while (entry.queue.length > 0 && mayStart(entry)) {
          entry.running += 1;
          entry.queue.shift()?.();
        }
      }
    },
    failed(key) {
      const entry = entryOf(key);
      entry.failures += 1;
      entry.failedAt = clock.now();
    },
    succeeded(key) {
      entries.delete(key);
    },
  };
}
