/** Callers with the same connection_limit and application_name share that limit, within one pool. */
import type { PermitLedger } from './permit-ledger.ts';
import type { Pool } from './pool.ts';
import type { LimitGroup } from './wait-queue.ts';

export interface LimitGroups {
  /** For one more session, which is counted. undefined: the limit is none, or the pool's own size is the lower one. */
  find(pool: Pool, limit: number | undefined, name: string): LimitGroup | undefined;
  /** Forgets the groups of the pool that have no session any more: callers may have a name of their own each. */
  sweep(pool: Pool): void;
}

export function createLimitGroups(permits: PermitLedger | undefined): LimitGroups {
  const groups = new WeakMap<Pool, Map<string, LimitGroup>>();
  return {
    find(pool, limit, name) {
      if (limit === undefined || limit >= pool.size) return undefined;
      let byName = groups.get(pool);
      if (byName === undefined) {
        byName = new Map();
        groups.set(pool, byName);
      }
      const key = `${limit}/${name}`;
      let group = byName.get(key);
      if (group === undefined) {
        group = { size: limit, limit, lent: 0, sessions: 0 };
        byName.set(key, group);
        permits?.addGroup(group, pool, key);
      }
      group.sessions++;
      return group;
    },
    sweep(pool) {
      for (const [key, group] of groups.get(pool) ?? []) {
        if (group.sessions > 0) continue;
        groups.get(pool)?.delete(key);
        permits?.removeGroup(group);
      }
    },
  };
}
