import { AccelerateError, accelerateErrorReply } from './accelerate-error.ts';
import type { ResponseFacts } from './response-headers.ts';

/** What the log gets to know of a request. Neither SQL nor values nor keys. */
export interface AccelerateEvent {
  readonly event: 'http_accelerate';
  readonly requestId: string;
  /** `query`, `transaction/start` … */
  readonly route: string;
  readonly status: number;
  /** Id of the API key. */
  readonly key?: string;
  /** Where the result came from, when the caller asked for caching. */
  readonly cache?: 'ttl' | 'swr' | 'miss';
  /** Prisma's code of the error, if it was one. */
  readonly code?: string;
  readonly message?: string;
  /** For operators only. */
  readonly detail?: string;
  /** Of errors nobody expected. */
  readonly stack?: string;
  readonly durationMs: number;
}

export function toAccelerateEvent(told: {
  route: string;
  status: number;
  failure: unknown;
  facts: ResponseFacts;
  durationMs: number;
}): AccelerateEvent {
  const { route, status, failure, facts, durationMs } = told;
  return {
    event: 'http_accelerate',
    requestId: facts.requestId,
    route,
    status,
    ...(facts.keyId === undefined ? {} : { key: facts.keyId }),
    ...(facts.cacheStatus === 'none' ? {} : { cache: facts.cacheStatus }),
    ...failureOf(failure),
    durationMs,
  };
}

/** Of errors of Postgres only the code: their texts may quote values. */
function failureOf(failure: unknown): Pick<AccelerateEvent, 'code' | 'message' | 'detail' | 'stack'> {
  if (failure === undefined) return {};
  const { body, isDefect } = accelerateErrorReply(failure);
  if (failure instanceof AccelerateError) {
    return {
      code: body.code,
      message: failure.message,
      ...(failure.detail === undefined ? {} : { detail: failure.detail }),
    };
  }
  if (isDefect && failure instanceof Error && failure.stack !== undefined)
    return { code: body.code, stack: failure.stack };
  return { code: body.code };
}
