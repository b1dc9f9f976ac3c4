/** Trying again while Postgres is starting, full or not there yet. */
import { DatabaseError } from '@postern/wire';
import type { Clock } from './clock.ts';
import { PoolError } from './errors.ts';

/** Whether a failed connection may succeed later. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '53300' || error.code === '57P03';
  if (error instanceof PoolError) return error.safeToRetry;
  return error instanceof Error && 'code' in error;
}

/** Milliseconds until the next attempt: soon at first, then once a second, so that a waking database is not flooded. */
export function retryDelayMs(failedAttempts: number): number {
  return Math.min(1_000, 50 * 1.6 ** Math.min(failedAttempts, 10));
}

export interface RetryOptions<T> {
  readonly clock: Clock;
  /** How long to go on; 0 = no limit. */
  readonly budgetMs: number;
  attempt(): Promise<T>;
  /** Nobody wants the result any more. */
  isOver?(): boolean;
}

/** The first success, or the last failure once no further attempt makes sense. */
export async function retryWithin<T>(options: RetryOptions<T>): Promise<T> {
  const { clock, budgetMs } = options;
  const startedAt = clock.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await options.attempt();
    } catch (error) {
      const waitedMs = clock.now() - startedAt;
      if (!isRetryable(error) || (budgetMs > 0 && waitedMs >= budgetMs) || options.isOver?.() === true) throw error;
      await new Promise<void>((resolve) => {
        clock.after(retryDelayMs(attempt), resolve);
      });
    }
  }
}
