/**
 * One budget of server connections for several workers: who may open how many. A state machine without any process: workers
 * are numbers, messages are calls. Free permits go to whoever has fewest. When there are none, workers that have more than
 * their part are asked for some; those with none waiting, for what is idle; and where there are more workers than permits,
 * they take turns.
 */
import type { Clock, PermitPool } from '@postern/pool';

export interface PermitBrokerOptions {
  readonly clock: Clock;
  /** Permits of one Postgres over all pools; 0 = no limit but the pools' own. */
  readonly maxPerTarget?: number;
  grant(worker: number, key: string, count: number): void;
  /** See PermitHolder.recalled. */
  recall(worker: number, key: string, count: number, idleMs: number | undefined): void;
}

export interface PermitBroker {
  /** `count` more would be used; absolute, less what was granted since. */
  want(worker: number, pool: PermitPool, count: number): void;
  giveBack(worker: number, key: string, count: number): void;
  decline(worker: number, key: string, count: number): void;
  /** The worker is dead: what it had is free, what it wanted is nobody's wish. */
  gone(worker: number): void;
  /** Permits that are out, by key and worker; for tests and operators. */
  held(): ReadonlyMap<string, ReadonlyMap<number, number>>;
}

/** What a worker has and wants of one pool. */
interface Share {
  readonly worker: number;
  readonly pool: BrokerPool;
  held: number;
  wanted: number;
  wantedSince: number;
  /** Asked back, not here yet: for good, or if they are idle. */
  recalled: number;
  asked: number;
  /** When it was last given something; its turn lasts from then on. */
  grantedAt: number;
  /** It has nothing idle, as it said then. */
  declinedAt: number;
}

interface BrokerPool {
  readonly key: string;
  readonly target: string;
  readonly size: number;
  readonly shares: Map<number, Share>;
}

/** A wish that is older than this is no passing one: workers withdraw those within 20 ms. */
const passingMs = 25;
/** A worker that has fewer than others gets what they have not used for so long. */
const restMs = 250;
/** Time between two looks at wishes that could not be fulfilled, and before a worker is asked again for idle ones. */
const lookAgainMs = 25;
/** With fewer permits than workers: how long one keeps its own while others have none. */
const turnMs = 100;

export function createPermitBroker(options: PermitBrokerOptions): PermitBroker {
  const { clock, maxPerTarget = 0 } = options;
  const pools = new Map<string, BrokerPool>();
  let isLooking = false;

  function shareOf(worker: number, given: PermitPool): Share {
    let pool = pools.get(given.key);
    if (pool === undefined) {
      pool = { key: given.key, target: given.target, size: given.size, shares: new Map() };
      pools.set(given.key, pool);
    }
    let share = pool.shares.get(worker);
    if (share === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      share = {
        worker,
        pool,
        ...{ held: 0, wanted: 0, wantedSince: 0, recalled: 0, asked: 0, grantedAt: never, declinedAt: never },
      };
      pool.shares.set(worker, share);
    }
    return share;
  }

  function find(worker: number, key: string): Share | undefined {
    return pools.get(key)?.shares.get(worker);
  }

  function forgetIfEmpty({ pool, worker, held, wanted }: Share): void {
    if (held > 0 || wanted > 0) return;
    pool.shares.delete(worker);
    if (pool.shares.size === 0) pools.delete(pool.key);
  }

  function outOf(pool: BrokerPool): number {
    let out = 0;
    for (const share of pool.shares.values()) out += share.held;
    return out;
  }

  /** All shares that take from the same limit as `pool`: its own, or where that is the tighter one, the target's. */
  function rivals(pool: BrokerPool): { free: number; shares: Share[] } {
    const own = pool.size - outOf(pool);
    if (maxPerTarget > 0 && own > 0 && pool.target !== '') {
      const others = [...pools.values()].filter(({ target }) => target === pool.target);
      const free = maxPerTarget - others.reduce((sum, other) => sum + outOf(other), 0);
      if (free <= own)
        return { free: Math.max(0, free), shares: others.flatMap((other) => [...other.shares.values()]) };
    }
    return { free: Math.max(0, own), shares: [...pool.shares.values()] };
  }

  /** Gives away what is free, and asks for what is needed. */
  function settle(pool: BrokerPool): void {
    const { free, shares } = rivals(pool);
    const hungry = shares.filter(({ wanted }) => wanted > 0);
    if (hungry.length === 0) return;
    // Whoever has fewest is first, then whoever has waited longest.
    const granted = new Map<Share, number>();
    let left = free;
    while (left > 0) {
      const next = hungry
        .filter((share) => share.wanted > 0 && outOf(share.pool) < share.pool.size)
        .sort((a, b) => a.held - b.held || a.wantedSince - b.wantedSince)[0];
      if (next === undefined) break;
      next.held++;
      next.wanted--;
      next.grantedAt = clock.now();
      granted.set(next, (granted.get(next) ?? 0) + 1);
      left--;
    }
    for (const [share, count] of granted) options.grant(share.worker, share.pool.key, count);
    const waiting = hungry.filter(({ wanted }) => wanted > 0);
    if (waiting.length === 0) return;
    if (left === 0) recallFor(waiting, shares);
    lookAgain();
  }

  function recallFor(waiting: Share[], shares: readonly Share[]): void {
    let coming = shares.reduce((sum, share) => sum + share.recalled + share.asked, 0);
    for (const share of waiting.sort((a, b) => kept(a) - kept(b) || a.wantedSince - b.wantedSince)) {
      let has = kept(share);
      for (let i = 0; i < share.wanted; i++) {
        if (coming > 0) coming--;
        else if (!recallOne(share, has, shares)) break;
        has++;
      }
    }
  }

  /** Whether a permit was asked back for `share`, which has `has` counting those on their way. */
  function recallOne(share: Share, has: number, shares: readonly Share[]): boolean {
    const now = clock.now();
    if (has > 0 && now - share.wantedSince < passingMs) return false;
    const donors = shares.filter((other) => other !== share && kept(other) > 0).sort((a, b) => kept(b) - kept(a));
    const rich = donors[0];
    if (rich !== undefined && kept(rich) >= has + 2) {
      rich.recalled++;
      options.recall(rich.worker, rich.pool.key, 1, undefined);
      return true;
    }
    const resting = donors.find((other) => other.wanted === 0 && now - other.declinedAt >= lookAgainMs);
    if (resting !== undefined) {
      resting.asked++;
      options.recall(resting.worker, resting.pool.key, 1, has === 0 ? 0 : restMs);
      // It may have answered within the call.
      return true;
    }
    const oldest = donors.sort((a, b) => a.grantedAt - b.grantedAt)[0];
    if (has === 0 && oldest !== undefined && now - Math.max(oldest.grantedAt, share.wantedSince) >= turnMs) {
      oldest.recalled++;
      options.recall(oldest.worker, oldest.pool.key, 1, undefined);
      return true;
    }
    return false;
  }

  function lookAgain(): void {
    if (isLooking) return;
    isLooking = true;
    clock.after(lookAgainMs, () => {
      isLooking = false;
      settleAll();
    });
  }

  function settleAll(): void {
    for (const pool of [...pools.values()]) settle(pool);
  }

  /** What became free in one pool may be what another of the same Postgres waits for. */
  function freed(pool: BrokerPool): void {
    if (maxPerTarget > 0) settleAll();
    else settle(pool);
  }

  return {
    want(worker, given, count) {
      const share = shareOf(worker, given);
      if (count > 0 && share.wanted === 0) share.wantedSince = clock.now();
      share.wanted = Math.max(0, count);
      if (share.wanted > 0) settle(share.pool);
      forgetIfEmpty(share);
    },
    giveBack(worker, key, count) {
      const share = find(worker, key);
      if (share === undefined) return;
      share.held = Math.max(0, share.held - count);
      // What comes back unasked fulfils what was asked for.
      const asked = Math.min(share.asked, count);
      share.asked -= asked;
      share.recalled = Math.min(share.held, Math.max(0, share.recalled - (count - asked)));
      share.asked = Math.min(share.asked, share.held - share.recalled);
      forgetIfEmpty(share);
      freed(share.pool);
    },
    decline(worker, key, count) {
      const share = find(worker, key);
      if (share === undefined) return;
      share.asked = Math.max(0, share.asked - count);
      share.declinedAt = clock.now();
      lookAgain();
    },
    gone(worker) {
      for (const pool of [...pools.values()]) {
        if (!pool.shares.delete(worker)) continue;
        if (pool.shares.size === 0) pools.delete(pool.key);
      }
      settleAll();
    },
    held() {
      return new Map(
        [...pools.values()].map(({ key, shares }) => [
          key,
          new Map([...shares.values()].filter(({ held }) => held > 0).map(({ worker, held }) => [worker, held])),
        ]),
      );
    },
  };
}

/** What a worker has when all that was asked back is back. */
function kept({ held, recalled, asked }: Share): number {
  return held - recalled - asked;
}
