/** Callers with the same connection_limit and application_name share that limit, within one pool. */
import type { Pool } from './pool.ts';
import type { LimitGroup } from './wait-queue.ts';

export interface LimitGroups {
  /** undefined: the limit is none, or the pool's own size is the lower one. */
  find(pool: Pool, limit: number | undefined, name: string): LimitGroup | undefined;
}

/** `added` is told of each new group. */
export function createLimitGroups(
  added: (group: LimitGroup, pool: Pool, name: string) => void = () => {},
): LimitGroups {
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
        group = { size: limit, limit, lent: 0 };
        byName.set(key, group);
        added(group, pool, key);
      }
      return group;
    },
  };
}
