import { createFakeClock } from '@postern/testkit';
import { expect, test } from 'vitest';
import { defaultPlans, resolvePlans } from './plan.ts';
import { createRateLimiter } from './rate-limiter.ts';

test('an operator changes a plan, or adds one', () => {
  const plans = resolvePlans({
    free: { queryTimeoutMs: 1_000, connectionLimit: undefined },
    own: { connectionLimit: 3 },
  });
  expect([...plans.keys()]).toEqual(['free', 'starter', 'pro', 'business', 'own']);
  expect(plans.get('free')).toEqual({ ...defaultPlans.free, queryTimeoutMs: 1_000 });
  expect(plans.get('own')).toEqual({ ...defaultPlans.business, connectionLimit: 3 });
});

test('a bucket empties with a burst and fills with time, for each key by itself', () => {
  const clock = createFakeClock();
  const limiter = createRateLimiter({ clock });
  const burst = (key: string, count: number) => Array.from({ length: count }, () => limiter.take(key, 10));
  expect(burst('a', 21)).toEqual([...Array(20).fill(0), 100]);
  expect(limiter.take('b', 10)).toBe(0);
  clock.advance(100);
  expect(burst('a', 2)).toEqual([0, 100]);
  expect(limiter.take('a', undefined)).toBe(0);
});
