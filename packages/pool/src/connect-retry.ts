/** Trying again while Postgres is starting, full or not there yet. */
import { DatabaseError } from '@postern/wire';
import type { Clock } from './clock.ts';
import { FinalDialError, PoolError } from './errors.ts';

/** Whether a failed connection may succeed later. */
export function isRetryable(error: unknown): boolean {
  if (isFull(error)) return true;
  if (error instanceof DatabaseError) return error.code === '57P03';
  if (error instanceof PoolError) return error.safeToRetry;
  return error instanceof Error && 'code' in error && !(error instanceof FinalDialError);
}

/** Postgres has no room. The pool then has what it is given, and asks for more once a second at most while callers wait. */
export function isFull(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code === '53300';
}

/** Milliseconds until the next attempt: soon at first, then once a second, so that a waking database is not flooded. */
export function retryDelayMs(failedAttempts: number): number {
  return Math.min(1_000, 50 * 1.6 ** Math.min(failedAttempts, 10));
}

export interface RetryOptions<T> {
  readonly clock: Clock;
  /** How long to go on; 0 = no limit. */
  readonly budgetMs: number;
  /** `leftMs`: what is left of the budget; Infinity when there is no limit. */
  attempt(leftMs: number): Promise<T>;
  /** Nobody wants the result any more. */
  isOver?(): boolean;
}

/** Another attempt is not worth making in less. */
const shortestAttemptMs = 100;

/** The first success, or the last failure once no further attempt makes sense. */
export async function retryWithin<T>(options: RetryOptions<T>): Promise<T> {
  const { clock } = options;
  const endAt = options.budgetMs > 0 ? clock.now() + options.budgetMs : Number.POSITIVE_INFINITY;
  let failure: unknown;
  for (let failedAttempts = 0; ; failedAttempts++) {
    try {
      return await options.attempt(endAt - clock.now());
    } catch (error) {
      // An attempt that the end has cut short says less than the one before.
      if (!isTimeout(error) || failure === undefined) failure = error;
      const spareMs = endAt - clock.now() - shortestAttemptMs;
      if (!isRetryable(error) || spareMs <= 0 || options.isOver?.() === true) throw failure;
      await new Promise<void>((resolve) => {
        clock.after(Math.min(retryDelayMs(failedAttempts), spareMs), resolve);
      });
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof PoolError && error.code === 'connect_timeout';
}
