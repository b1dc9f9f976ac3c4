/** A token bucket per key: steady callers are never stopped, floods are. */
import type { Clock } from '@postern/pool';
import { LRUCache } from 'lru-cache';

export interface RateLimiter {
  /** Takes one request's token: 0, or the milliseconds until there is one. */
  take(key: string, perSecond: number | undefined): number | Promise<number>;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export interface RateLimiterOptions {
  readonly clock: Clock;
  /** Keys remembered; a forgotten one starts with a full bucket. */
  readonly maxKeys?: number;
}

export function createRateLimiter({ clock, maxKeys = 10_000 }: RateLimiterOptions): RateLimiter {
  const buckets = new LRUCache<string, Bucket>({ max: maxKeys });
  return {
    take(key, perSecond) {
      if (perSecond === undefined) return 0;
      const capacity = Math.max(1, perSecond * 2);
      const now = clock.now();
      const bucket = buckets.get(key) ?? { tokens: capacity, filledAt: now };
      bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
      bucket.filledAt = now;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000);
      bucket.tokens -= 1;
      return 0;
    },
  };
}
