/** One request's work against the database, and the two ways to cut it short: its time is over, or its caller is gone. */
import type { Clock } from '@postern/pool';
import { AccelerateError } from './accelerate-error.ts';
import type { SqlSession } from './sql-session.ts';

export interface RequestScope {
  /** Includes a session: it is aborted when the request is cut short, which cancels what it runs in Postgres. */
  watch(session: SqlSession): SqlSession;
  /** What `work` gives, or the error that cut it short, at once. Closes nothing when it succeeds. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export interface RequestScopeOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The caller; undefined for what outlives it (a result that others wait for too). */
  readonly signal: AbortSignal | undefined;
}

export function createRequestScope({ clock, timeoutMs, signal }: RequestScopeOptions): RequestScope {
  const sessions = new Set<SqlSession>();
  let cut: unknown;
  return {
    watch(session) {
      sessions.add(session);
      session.startCounting();
      if (cut !== undefined) session.abort(cut);
      return session;
    },
    run(work) {
      return new Promise((resolve, reject) => {
        const stop = (error: unknown): void => {
          cut ??= error;
          for (const session of sessions) session.abort(cut);
          reject(cut);
        };
        const timer = clock.after(timeoutMs, () => stop(queryTimeout(timeoutMs)));
        const onAbort = (): void => stop(new AccelerateError('P6000', 'the caller went away', { status: 499 }));
        signal?.addEventListener('abort', onAbort, { once: true });
        const settle = (): void => {
          timer.cancel();
          signal?.removeEventListener('abort', onAbort);
        };
        if (signal?.aborted) onAbort();
        work().then(resolve, reject).finally(settle);
      });
    },
  };
}

function queryTimeout(timeoutMs: number): AccelerateError {
  return new AccelerateError(
    'P6004',
    `The query took longer than ${timeoutMs / 1000} s, the limit of this key's plan, and was cancelled.`,
  );
}
