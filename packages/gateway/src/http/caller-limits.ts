// What one caller may use, where that is not what everybody may: the plan of its API key.

import { GatewayError } from '@postern/contract';
import type { Clock } from '@postern/pool';
import type { SqlHttpRequest } from './sql-handler.ts';
import type { SqlRun } from './sql-runner.ts';

export interface CallerLimits {
  readonly maxResponseBytes: number;
  /** One request, its waiting included; what still runs then is cancelled. */
  readonly requestTimeoutMs: number;
  /** An interactive transaction as a whole. */
  readonly transactionTimeoutMs: number;
  /** Takes one request: 0, or the milliseconds until there may be one. */
  takeRequest(): number | Promise<number>;
}

/** Rejects with a GatewayError (`rate_limited`). */
export async function takeRequest(limits: CallerLimits): Promise<void> {
  const waitMs = await limits.takeRequest();
  if (waitMs <= 0) return;
  throw new GatewayError('rate_limited', "too many requests: this key's plan allows fewer per second", {
    hint: `Try again in ${Math.ceil(waitMs / 1000)} s.`,
  });
}

/** The same request, whose caller is taken for gone when its time is up; but who is still there is told. */
export function withTimeLimit(
  request: SqlHttpRequest,
  run: SqlRun,
  clock: Clock,
  { requestTimeoutMs }: CallerLimits,
): SqlHttpRequest {
  const listeners: ((reason?: GatewayError) => void)[] = [];
  let isOver = false;
  run.timeLimit = clock.after(requestTimeoutMs, () => {
    isOver = true;
    const error = timeIsUp(requestTimeoutMs);
    for (const listener of listeners) listener(error);
    // Where nothing was to be cancelled.
    run.answered({ kind: 'whole', ok: false, error, statementIndex: undefined });
  });
  return {
    header: (name) => request.header(name),
    readBody: (maxBytes) => request.readBody(maxBytes),
    get isAborted() {
      return isOver || request.isAborted;
    },
    onAbort(listener) {
      listeners.push(listener);
      request.onAbort(listener);
    },
    remoteAddress: request.remoteAddress,
    security: request.security,
  };
}

function timeIsUp(timeoutMs: number): GatewayError {
  return new GatewayError(
    'query_cancelled',
    `the request took longer than ${timeoutMs / 1000} s, the limit of this key's plan, and was cancelled`,
  );
}
