/**
 * One budget of server connections for several processes: each pool may have as many connections as it holds permits
 * (`Pool.quota`), and asks for more when callers wait. Who gets them is decided elsewhere (PermitSource); here is only kept
 * what this process holds, wants and owes. A permit nobody needs goes back at once, a recalled one with the next release.
 */
import type { Clock, Timer } from './clock.ts';
import { GroupPermits } from './group-permits.ts';
import type { Pool } from './pool.ts';
import type { LimitGroup } from './wait-queue.ts';

/** Where permits come from. Calls only send; nothing is answered within them. */
export interface PermitSource {
  /** How many more permits the pool would use now. Absolute; what is granted is taken off by both sides. 0 withdraws. */
  want(pool: PermitPool, count: number): void;
  giveBack(key: string, count: number): void;
  /** Of a recall of idle ones: so many are in use, and stay. */
  decline(key: string, count: number): void;
  /** Who is told of grants and recalls. */
  serve(holder: PermitHolder): void;
}

/** What permits are for. */
export interface PermitPool {
  readonly key: string;
  /** One Postgres, whatever the database and role. */
  readonly target: string;
  /** The most permits that may be out for it. */
  readonly size: number;
}

export interface PermitHolder {
  granted(key: string, count: number): void;
  /**
   * Others wait. `idleMs` undefined: so many are to be given back as soon as they are free, whoever waits here. Otherwise
   * only connections that have been idle for so long, now or not at all.
   */
  recalled(key: string, count: number, idleMs: number | undefined): void;
}

/** What changes within this time is told in one message. */
const tellEveryMs = 20;
/** A login to verify somebody exceeds the budget, as it does in a single process, rather than wait longer. */
const longestLoginWaitMs = 1_000;

interface Share extends PermitPool {
  readonly pool: Pool;
  /** As the source counts. */
  held: number;
  /** What the source was told last, less what it has granted since. */
  told: number;
  readonly logins: (() => void)[];
}

export class PermitLedger implements PermitHolder {
  private readonly source: PermitSource;
  private readonly clock: Clock;
  private readonly shares = new Map<string, Share>();
  private readonly byPool = new Map<Pool, Share>();
  private readonly groups: GroupPermits;
  private timer: Timer | undefined;

  constructor(source: PermitSource, clock: Clock) {
    this.source = source;
    this.clock = clock;
    this.groups = new GroupPermits(source);
    source.serve(this);
  }

  add(pool: Pool, key: string, target: string): void {
    const share: Share = { key, target, size: pool.size, pool, held: 0, told: 0, logins: [] };
    pool.quota = 0;
    this.shares.set(key, share);
    this.byPool.set(pool, share);
  }

  /** Callers of the pool that share one connection_limit. */
  addGroup(group: LimitGroup, pool: Pool, name: string): void {
    this.groups.add(`${this.byPool.get(pool)?.key ?? ''} connection_limit ${name}`, group, pool);
  }

  /** The last of them is gone. */
  removeGroup(group: LimitGroup): void {
    this.groups.removeGroup(group);
  }

  /** A caller waits for its connection_limit. */
  groupNeeded(group: LimitGroup): void {
    if (this.groups.needed(group)) this.tellSoon();
  }

  /** A caller with a connection_limit has given its connection back. */
  groupChanged(group: LimitGroup): void {
    this.groups.changed(group);
  }

  /** Now and then. */
  sweep(): void {
    this.groups.sweep();
  }

  /** The pool is dropped. */
  remove(pool: Pool): void {
    const share = this.byPool.get(pool);
    if (share === undefined) return;
    this.shares.delete(share.key);
    this.byPool.delete(pool);
    this.groups.remove(pool);
    if (share.told > 0) this.source.want(share, 0);
    if (share.held > 0) this.source.giveBack(share.key, share.held);
  }

  /** Callers wait and the quota is used up. */
  needed(pool: Pool): void {
    const share = this.byPool.get(pool);
    if (share === undefined) return;
    // Whoever has nothing asks at once; a wish beyond that may be over in a moment.
    if (share.told === 0 && share.held === 0) this.tell(share);
    else this.tellSoon();
  }

  /** A connection closed, or an attempt to open one ended. */
  changed(pool: Pool): void {
    const share = this.byPool.get(pool);
    if (share === undefined) return;
    this.settle(share);
    // The count may only be right once the caller is through.
    if (share.held > pool.counted) this.tellSoon();
  }

  /** A connection of the pool is being closed: its permit is free when Postgres has closed it, too. */
  leaving(pool: Pool): () => void {
    pool.leaving++;
    return () => {
      pool.leaving--;
      this.changed(pool);
      pool.openIfWanted();
    };
  }

  /**
   * A place for a connection that verifies a login. `pool.entering` was counted up by the caller, who counts it down again.
   * Resolves when there is room, or when waiting for it would take too long.
   */
  async enter(pool: Pool, timeoutMs: number): Promise<void> {
    const share = this.byPool.get(pool);
    if (share === undefined) return;
    if (pool.counted > pool.quota) pool.closeOneIdle();
    if (pool.counted + pool.leaving <= pool.quota) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(Math.min(timeoutMs, longestLoginWaitMs), () => {
        share.logins.splice(share.logins.indexOf(enter), 1);
        resolve();
      });
      const enter = (): void => {
        timer.cancel();
        resolve();
      };
      share.logins.push(enter);
      this.tell(share);
    });
  }

  granted(key: string, count: number): void {
    const share = this.shares.get(key);
    if (share === undefined) {
      this.grantedToGroup(key, count);
      return;
    }
    share.held += count;
    share.told = Math.max(0, share.told - count);
    share.pool.quota += count;
    this.settle(share);
    share.pool.openIfWanted();
    this.settle(share);
    this.tellSoon();
  }

  private grantedToGroup(key: string, count: number): void {
    if (!this.groups.has(key)) {
      this.source.giveBack(key, count);
      return;
    }
    this.groups.granted(key, count);
    this.tellSoon();
  }

  recalled(key: string, count: number, idleMs: number | undefined): void {
    const share = this.shares.get(key);
    if (share === undefined) {
      this.groups.recalled(key, count, idleMs === undefined);
      return;
    }
    const { pool } = share;
    if (idleMs === undefined) {
      pool.quota = Math.max(0, pool.quota - count);
      while (pool.counted > pool.quota && pool.closeOneIdle());
    } else {
      let freed = Math.min(count, Math.max(0, pool.quota - pool.counted - pool.leaving));
      pool.quota -= freed;
      for (; freed < count; freed++) {
        pool.quota--;
        if (pool.closeOneIdle(idleMs)) continue;
        pool.quota++;
        break;
      }
      if (freed < count) this.source.decline(key, count - freed);
    }
    this.giveBack(share);
  }

  private settle(share: Share): void {
    const { pool, logins } = share;
    // Each login waits because the count, itself included, is above the quota.
    while (logins.length > 0 && pool.counted + pool.leaving - logins.length < pool.quota) logins.shift()!();
    if (pool.lacking <= 0 && logins.length === 0) pool.quota = Math.min(pool.quota, pool.counted);
    this.giveBack(share);
  }

  private giveBack(share: Share): void {
    const { pool } = share;
    const count = share.held - Math.max(pool.quota, pool.counted + pool.leaving);
    if (count <= 0) return;
    share.held -= count;
    this.source.giveBack(share.key, count);
  }

  private wantedBy({ pool, logins, size }: Share): number {
    const spare = Math.max(0, pool.quota - (pool.counted - logins.length));
    return Math.max(0, Math.min(pool.lacking + logins.length - spare, size - pool.quota));
  }

  private tell(share: Share): void {
    const wanted = this.wantedBy(share);
    if (wanted !== share.told) {
      share.told = wanted;
      this.source.want(share, wanted);
    }
    if (wanted > 0) this.tellSoon();
  }

  /** Wishes are looked at again until there are none. */
  private tellSoon(): void {
    this.timer ??= this.clock.after(tellEveryMs, () => {
      this.timer = undefined;
      for (const share of this.shares.values()) {
        this.settle(share);
        this.tell(share);
      }
      if (this.groups.tell()) this.tellSoon();
    });
  }
}
