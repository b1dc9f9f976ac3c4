/** What operators see of a pool. Plain data. */

/** Counts are server connections but for `waiting` (sessions), `opened` and `faults` (since the start). */
export interface PoolStats {
  readonly target: string;
  readonly user: string;
  readonly connecting: number;
  readonly idle: number;
  readonly leased: number;
  readonly pinned: number;
  readonly recovering: number;
  readonly waiting: number;
  readonly size: number;
  readonly opened: number;
  readonly faults: number;
  readonly pins: readonly { session: string; reasons: readonly string[]; sinceMs: number }[];
}

/** A session that keeps its connection: who and why, for operators. */
export interface Pin {
  readonly session: string;
  readonly reasons: readonly string[];
  readonly since: number;
}
