/** How many server connections each Postgres gives us, over all pools of it. */
import type { DatabaseError } from '@postern/wire';
import type { Identity, Target } from './identity.ts';
import type { Pool } from './pool.ts';

export class ServerBudget {
  private readonly maxServerConnections: number;
  private readonly pools: ReadonlyMap<string, Pool>;
  private readonly open = new Map<string, number>();

  /** `maxServerConnections` of 0: as many as Postgres grants. */
  constructor(maxServerConnections: number, pools: ReadonlyMap<string, Pool>) {
    this.maxServerConnections = maxServerConnections;
    this.pools = pools;
  }

  get isLimited(): boolean {
    return this.maxServerConnections > 0;
  }

  /** Whether `pool` may open one more; makes room by closing an idle connection of another pool. */
  makeRoom(pool: Pool): boolean {
    if (!this.isLimited) return true;
    const key = targetKey(pool.target);
    if ((this.open.get(key) ?? 0) < this.maxServerConnections) return true;
    for (const other of this.pools.values()) {
      if (other !== pool && targetKey(other.target) === key && other.closeOneIdle()) return true;
    }
    return false;
  }

  /**
   * Gives back to Postgres an idle connection that takes up the room which Postgres refused: the role's, the database's
   * (CONNECTION LIMIT), or the server's.
   */
  closeIdleFor(target: Target, { user }: Identity, { routine }: DatabaseError): void {
    const key = targetKey(target);
    for (const pool of this.pools.values()) {
      if (targetKey(pool.target) !== key) continue;
      if (routine === 'InitializeSessionUserId' && pool.identity.user !== user) continue;
      if (routine === 'CheckMyDatabase' && pool.target.database !== target.database) continue;
      if (pool.closeOneIdle()) return;
    }
  }

  isExceeded(target: Target): boolean {
    return this.isLimited && (this.open.get(targetKey(target)) ?? 0) > this.maxServerConnections;
  }

  opened(target: Target): void {
    const key = targetKey(target);
    this.open.set(key, (this.open.get(key) ?? 0) + 1);
  }

  closed(target: Target): void {
    const key = targetKey(target);
    const count = (this.open.get(key) ?? 1) - 1;
    if (count > 0) this.open.set(key, count);
    else this.open.delete(key);
  }
}

/** One Postgres, whatever the database. */
export function targetKey(target: Target): string {
  return `${target.host}:${target.port}`;
}
