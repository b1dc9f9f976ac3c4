/**
 * The result cache for `/sql`: asked for with `Cache-Control: max-age=60, stale-while-revalidate=30` on the request, and
 * tagged with `Postern-Cache-Tags: a, b`. `Postern-Cache-Invalidate: a, b` (or `all`) on a request that succeeds forgets.
 */
import { GatewayError, posternHeader, type SqlRequestBody } from '@postern/contract';
import type { Clock } from '@postern/pool';
import type { SqlHeading } from '../http/sql-heading.ts';
import type { SqlOutcome } from '../http/sql-outcome.ts';
import { type CacheStrategy, parseCacheStrategy, parseTags } from './cache-strategy.ts';
import { isReadOnlySql } from './is-read-only-sql.ts';
import type { ResultCache } from './result-cache.ts';

/** What the response says about it: `Postern-Cache` and `Age`. */
export interface CacheReport {
  readonly status: 'ttl' | 'swr' | 'miss' | 'none';
  readonly ageMs: number;
}

/** One request's dealings with the cache. */
export interface SqlCacheTurn {
  /** From memory, or from `load`. `tell` gets what the response has to say. */
  answer(load: () => Promise<SqlOutcome>, tell: (report: CacheReport) => void): Promise<SqlOutcome>;
  /** Several callers may wait for what `load` does: one that leaves must not stop it. */
  readonly isShared: boolean;
}

export interface SqlCacheSubject {
  /** Whose request it is; results are never shared between callers that are not the same role. */
  readonly callerKey: string;
  readonly heading: SqlHeading;
  readonly body: SqlRequestBody;
}

export interface SqlCache {
  /** undefined: the request asks nothing of the cache. Throws GatewayError for tags that are not allowed. */
  turn(request: { header(name: string): string | undefined }, subject: SqlCacheSubject): SqlCacheTurn | undefined;
  /** Does what the request asks to be forgotten once it has succeeded, if it asks. Throws as `turn` does. */
  invalidation(
    request: { header(name: string): string | undefined },
    callerKey: string,
  ): (() => Promise<void>) | undefined;
}

export function createSqlCache(cache: ResultCache, clock: Clock): SqlCache {
  const invalidation: SqlCache['invalidation'] = (request, callerKey) => {
    const forget = request.header(posternHeader.cacheInvalidate);
    if (forget === undefined) return undefined;
    const tags = forget.trim() === 'all' ? 'all' : readTags(forget);
    return async () => {
      await cache.invalidate(callerKey, tags);
    };
  };

  return {
    invalidation,
    turn(request, subject) {
      const { callerKey, body } = subject;
      const control = request.header('cache-control');
      const forget = invalidation(request, callerKey);
      if (control === undefined && forget === undefined) return undefined;
      const strategy = strategyOf(control, request.header(posternHeader.cacheTags));
      if (strategy === undefined && forget === undefined) return undefined;
      const statements = body.kind === 'single' ? [body.statement] : body.statements;
      const isCacheable =
        strategy !== undefined && forget === undefined && statements.every(({ query }) => isReadOnlySql(query));
      if (isCacheable) {
        return {
          isShared: true,
          answer: (load, tell) => answerFromCache(subject, strategy, load, tell),
        };
      }
      return {
        isShared: false,
        async answer(load, tell) {
          const outcome = await load();
          if (outcome.ok) await forget?.();
          tell({ status: 'none', ageMs: 0 });
          return outcome;
        },
      };
    },
  };

  async function answerFromCache(
    subject: SqlCacheSubject,
    strategy: CacheStrategy,
    load: () => Promise<SqlOutcome>,
    tell: (report: CacheReport) => void,
  ): Promise<SqlOutcome> {
    const { callerKey } = subject;
    try {
      const { body, status, storedAtMs } = await cache.get(
        { key: await keyOf(subject), scope: callerKey },
        strategy,
        async () => {
          const outcome = await load();
          if (!outcome.ok) throw new FailedOutcome(outcome);
          return outcome.body;
        },
      );
      tell({ status, ageMs: clock.now() - storedAtMs });
      return { kind: 'whole', ok: true, body, lender: undefined };
    } catch (error) {
      if (error instanceof FailedOutcome) return error.outcome;
      throw error;
    }
  }
}

/** So that the cache does not keep it. */
class FailedOutcome extends Error {
  readonly outcome: Extract<SqlOutcome, { ok: false }>;

  constructor(outcome: Extract<SqlOutcome, { ok: false }>) {
    super('not to be cached');
    this.outcome = outcome;
  }
}

/** Everything the result depends on. */
async function keyOf({ callerKey, heading, body }: SqlCacheSubject): Promise<string> {
  const { startupParameters, batch, isRaw, isArrayMode } = heading;
  const text = JSON.stringify([callerKey, [...startupParameters].sort(), batch, isRaw, isArrayMode, body]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function strategyOf(control: string | undefined, tags: string | undefined): CacheStrategy | undefined {
  return orInvalidHeader(() => parseCacheStrategy(control, tags));
}

function readTags(text: string): readonly string[] {
  return orInvalidHeader(() => parseTags(text));
}

function orInvalidHeader<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new GatewayError('invalid_header', (error as Error).message);
  }
}
