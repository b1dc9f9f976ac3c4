/** What callers are told about their server connection: which limit, its value, the wait, what was lost, what to change. */
import { DatabaseError, ProtocolError } from '@postern/wire';
import { isFull, isRetryable } from './connect-retry.ts';
import { FinalDialError, PoolError } from './errors.ts';
import type { LimitGroup } from './wait-queue.ts';

export function poolTimeout(state: {
  readonly waitedMs: number;
  readonly limitMs: number;
  readonly waiting: number;
  readonly size: number;
  readonly leased: number;
  readonly pinned: number;
  /** Whose connection_limit the waiter shares. */
  readonly group: LimitGroup | undefined;
  /** Why Postgres gives no further connection; undefined when it does. */
  readonly failure: unknown;
}): PoolError {
  const { waitedMs, limitMs, group, failure } = state;
  const isOwnLimit = group !== undefined && group.lent >= group.limit;
  const [what, hint] = isOwnLimit
    ? [
        `connection_limit of this caller ${group.size}, ${group.lent} in use`,
        'connection_limit (of an API key: its plan)',
      ]
    : [
        `pool size ${state.size}, ${state.leased} in use, ${state.pinned} pinned, ${state.waiting} waiting${failure === undefined ? '' : `; Postgres gives no more: ${messageOf(failure)}`}`,
        failure === undefined ? 'the pool size (--pool-size)' : 'what Postgres allows',
      ];
  return new PoolError({
    code: 'pool_timeout',
    sqlstate: '53300',
    message:
      `timed out waiting for a connection from the pool (pool_timeout ${limitMs / 1000} s, ` +
      `waited ${(waitedMs / 1000).toFixed(1)} s; ${what})`,
    hint: `Raise ${hint} or pool_timeout, or make transactions shorter.`,
    safeToRetry: true,
  });
}

/** What whoever logs in is told about an error of the network: Postgres' answers and our own errors stay what they are. */
export function connectFailed(error: unknown): unknown {
  if (error instanceof DatabaseError || error instanceof ProtocolError || error instanceof PoolError) return error;
  return new PoolError({
    code: 'connect_failed',
    sqlstate: '08001',
    message: `cannot reach the database server: ${messageOf(error)}`,
    hint:
      error instanceof FinalDialError
        ? "Check sslmode and sslrootcert of the gateway's database URL, and the certificate of Postgres."
        : 'Check that Postgres is running and reachable.',
    safeToRetry: isRetryable(error),
    cause: error,
  });
}

export function unreachable(waitedMs: number, cause: unknown): PoolError {
  const tried = `(tried for ${(waitedMs / 1000).toFixed(1)} s; last error: ${messageOf(cause)})`;
  if (isFull(cause)) {
    return new PoolError({
      code: 'too_many_connections',
      sqlstate: '53300',
      message: `cannot connect to the database server ${tried}`,
      hint: roomHint,
      safeToRetry: true,
      cause,
    });
  }
  return new PoolError({
    code: 'connect_timeout',
    sqlstate: cause instanceof DatabaseError ? cause.code : '08001',
    message: `cannot reach the database server ${tried}`,
    hint: 'Check that Postgres is running and reachable; raise connect_timeout if it takes longer to wake.',
    safeToRetry: true,
    cause,
  });
}

export function connectionLost(): PoolError {
  return new PoolError({
    code: 'server_connection_lost',
    sqlstate: '08006',
    message: 'the server connection was lost while it was in use',
    hint: 'Work that was not committed is rolled back; reconnect and repeat the transaction.',
    safeToRetry: false,
  });
}

/** A cancel reached somebody who still waited for a connection: in Postgres' own words. */
export function cancelled(): PoolError {
  return new PoolError({
    code: 'query_cancelled',
    sqlstate: '57014',
    message: 'canceling statement due to user request',
    safeToRetry: true,
  });
}

/** Errors that no retry will mend: credentials, unknown database, missing privileges. */
export function isPermanent(error: unknown): boolean {
  if (error instanceof DatabaseError) return /^(28|3D|42|0A)/.test(error.code);
  return error instanceof FinalDialError || (error instanceof PoolError && !error.safeToRetry);
}

export const roomHint =
  'Postgres has no room for more connections: lower the pool size, or raise max_connections (less its reserved ones) or the CONNECTION LIMIT.';

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
