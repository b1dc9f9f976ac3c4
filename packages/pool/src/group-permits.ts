/**
 * connection_limit across several processes: callers that share one may use as many connections here as their group holds
 * permits. Kept until others ask for them or nobody has used any for a while.
 */
import type { PermitSource } from './permit-ledger.ts';
import type { Pool } from './pool.ts';
import type { LimitGroup } from './wait-queue.ts';

interface GroupShare {
  readonly key: string;
  readonly target: string;
  /** The connection_limit itself. */
  readonly size: number;
  readonly group: LimitGroup;
  readonly pool: Pool;
  held: number;
  told: number;
}

export class GroupPermits {
  private readonly source: PermitSource;
  private readonly shares = new Map<string, GroupShare>();
  private readonly byGroup = new Map<LimitGroup, GroupShare>();

  constructor(source: PermitSource) {
    this.source = source;
  }

  /** `group.limit` becomes what it is granted. */
  add(key: string, group: LimitGroup, pool: Pool): void {
    // Of no Postgres: server connections are counted by their pools.
    const share: GroupShare = { key, target: '', size: group.limit, group, pool, held: 0, told: 0 };
    group.limit = 0;
    this.shares.set(key, share);
    this.byGroup.set(group, share);
  }

  /** The pool is dropped, and its groups with it. */
  remove(pool: Pool): void {
    for (const share of [...this.shares.values()]) if (share.pool === pool) this.removeGroup(share.group);
  }

  /** Nobody is in it any more. */
  removeGroup(group: LimitGroup): void {
    const share = this.byGroup.get(group);
    if (share === undefined) return;
    this.shares.delete(share.key);
    this.byGroup.delete(group);
    if (share.told > 0) this.source.want(share, 0);
    if (share.held > 0) this.source.giveBack(share.key, share.held);
  }

  has(key: string): boolean {
    return this.shares.has(key);
  }

  /** One of the group waits for its limit. True: look again in a while. */
  needed(group: LimitGroup): boolean {
    const share = this.byGroup.get(group);
    if (share === undefined) return false;
    if (share.held === 0 && share.told === 0) this.want(share, 1);
    return true;
  }

  /** One of the group has given its connection back. */
  changed(group: LimitGroup): void {
    const share = this.byGroup.get(group);
    if (share !== undefined) this.giveBack(share);
  }

  granted(key: string, count: number): void {
    const share = this.shares.get(key);
    if (share === undefined) return;
    share.held += count;
    share.told = Math.max(0, share.told - count);
    share.group.limit += count;
    share.pool.openIfWanted();
  }

  recalled(key: string, count: number, isForGood: boolean): void {
    const share = this.shares.get(key);
    if (share === undefined) return;
    const { group } = share;
    const unused = Math.min(count, Math.max(0, group.limit - group.lent));
    group.limit = Math.max(0, group.limit - (isForGood ? count : unused));
    if (!isForGood && unused < count) this.source.decline(key, count - unused);
    this.giveBack(share);
  }

  /** Tells what changed. Returns whether anybody still waits. */
  tell(): boolean {
    let isAnyWaiting = false;
    const waiting = new Map<LimitGroup, number>();
    const pools = new Set<Pool>();
    for (const share of this.shares.values())
      if (share.told > 0 || share.pool.waiters.length > 0) pools.add(share.pool);
    for (const pool of pools) {
      for (const { group } of pool.waiters) {
        if (group !== undefined) waiting.set(group, (waiting.get(group) ?? 0) + 1);
      }
    }
    for (const share of this.shares.values()) {
      const { group, size } = share;
      const spare = Math.max(0, group.limit - group.lent);
      const wanted = Math.max(0, Math.min((waiting.get(group) ?? 0) - spare, size - group.limit));
      if (wanted !== share.told) this.want(share, wanted);
      isAnyWaiting ||= wanted > 0;
    }
    return isAnyWaiting;
  }

  /** Gives back what groups hold that have not used anything since the last time. */
  sweep(): void {
    for (const { group, pool, key, held, told } of this.shares.values()) {
      if (
        group.lent > 0 ||
        told > 0 ||
        group.limit === 0 ||
        [...pool.waiters].some((waiter) => waiter.group === group)
      ) {
        continue;
      }
      const share = this.shares.get(key)!;
      group.limit = 0;
      share.held = 0;
      this.source.giveBack(key, held);
    }
  }

  private want(share: GroupShare, count: number): void {
    share.told = count;
    this.source.want(share, count);
  }

  private giveBack(share: GroupShare): void {
    const { group } = share;
    const count = share.held - Math.max(group.limit, group.lent);
    if (count <= 0) return;
    share.held -= count;
    this.source.giveBack(share.key, count);
  }
}
