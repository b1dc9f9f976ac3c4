/** What several workers count, as if one had counted it. */
import type { PoolStats } from '@postern/pool';
import type { GatewayStats } from '../gateway-stats.ts';

export function addStats(all: readonly GatewayStats[]): GatewayStats {
  const pools = new Map<string, PoolStats>();
  for (const pool of all.flatMap((stats) => stats.pools)) {
    const key = `${pool.user}@${pool.target}`;
    const sum = pools.get(key);
    pools.set(key, sum === undefined ? pool : addPools(sum, pool));
  }
  const sum = (of: (stats: GatewayStats) => number): number => all.reduce((total, stats) => total + of(stats), 0);
  return {
    callers: sum(({ callers }) => callers),
    sessions: { pooled: sum(({ sessions }) => sessions.pooled), direct: sum(({ sessions }) => sessions.direct) },
    pools: [...pools.values()],
  };
}

/** Sizes are not added: the budget is one. */
function addPools(a: PoolStats, b: PoolStats): PoolStats {
  return {
    ...a,
    connecting: a.connecting + b.connecting,
    idle: a.idle + b.idle,
    leased: a.leased + b.leased,
    pinned: a.pinned + b.pinned,
    recovering: a.recovering + b.recovering,
    waiting: a.waiting + b.waiting,
    opened: a.opened + b.opened,
    faults: a.faults + b.faults,
    pins: [...a.pins, ...b.pins],
  };
}
