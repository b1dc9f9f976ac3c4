/** The end of waits for a server connection that took too long: which limit it was, for whoever waited and for the operator. */
import type { PoolError } from './errors.ts';
import type { Pool } from './pool.ts';
import { poolTimeout, unreachable } from './pool-errors.ts';
import type { PoolStats } from './pool-stats.ts';

/** `failure`: why the pool's last attempt to connect failed; undefined when it did not. `isDown`: and it has no connection. */
export function expireWaits(pool: Pool, failure: unknown, isDown: boolean): void {
  const now = pool.context.clock.now();
  let stats: PoolStats | undefined;
  let refusal: PoolError | undefined;
  let refused = 0;
  for (const waiter of pool.waiters) {
    const waitedMs = now - waiter.waitingSince;
    const limitMs = isDown ? waiter.connectTimeoutMs : waiter.poolTimeoutMs;
    if (limitMs === 0 || waitedMs < limitMs) continue;
    const waiting = pool.waiters.length;
    pool.waiters.remove(waiter);
    stats ??= pool.stats();
    refusal = isDown
      ? unreachable(waitedMs, failure)
      : poolTimeout({ ...stats, waitedMs, limitMs, waiting, group: waiter.group, failure });
    refused++;
    waiter.refused(refusal, false);
  }
  if (refusal === undefined) return;
  const { code, message } = refusal;
  // One line for all whose time was up in the same moment: there may be thousands.
  pool.context.log({
    event: 'waits_expired',
    target: pool.describe(),
    user: pool.identity.user,
    refused,
    code,
    message,
  });
}
