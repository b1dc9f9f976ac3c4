/** A query's result, from the cache if the caller asked for that and the query only reads. */
import type { Clock } from '@postern/pool';
import { type CacheStrategy, parseCacheStrategy } from '../cache/cache-strategy.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import { badRequest } from './request-body.ts';
import type { Exchange } from './responder.ts';
import { responseTooLarge } from './tenant.ts';

/** Read-only operations: the only ones whose results are kept. The client asks for caching everywhere. */
const cacheable: ReadonlySet<string> = new Set(
  'findUnique findUniqueOrThrow findFirst findFirstOrThrow findMany aggregate groupBy'.split(' '),
);

export interface CachedQuery {
  readonly operation: string;
  /** Of everything the result depends on. Asked for only when the cache is. */
  key(): Promise<string>;
  /** `signal` is undefined for a result that others may wait for too: one caller's leaving must not take it from them. */
  run(signal: AbortSignal | undefined): Promise<Uint8Array>;
}

export type CachedResults = (exchange: Exchange, query: CachedQuery) => Promise<Uint8Array>;

/** Throws AccelerateError for tags that are not allowed, and whatever the query throws. */
export function createCachedResults({ cache, clock }: { cache: ResultCache; clock: Clock }): CachedResults {
  return async ({ request, tenant, facts }, query) => {
    const strategy = cacheable.has(query.operation) ? strategyOf(request) : undefined;
    if (strategy === undefined) return query.run(request.signal);
    const key = await query.key();
    const result = await cache.get({ key, scope: tenant.cacheScope }, strategy, () => query.run(undefined));
    // Stored for somebody whose plan may be larger.
    if (result.body.length > tenant.plan.maxResponseBytes) throw responseTooLarge(tenant.plan);
    facts.cacheStatus = result.status;
    facts.ageMs = clock.now() - result.storedAtMs;
    facts.signature = key;
    return result.body;
  };
}

function strategyOf(request: Request): CacheStrategy | undefined {
  try {
    return parseCacheStrategy(
      request.headers.get('cache-control') ?? undefined,
      request.headers.get('accelerate-cache-tags') ?? undefined,
    );
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}
