/**
 * The Accelerate-compatible endpoint: what a Prisma client with an `accelerateUrl` asks for (reference/prisma.md §2.1). Not
 * affiliated with Prisma. Free of any HTTP server: takes a Request, gives a Response.
 */
import type { Clock } from '@postern/pool';
import { type CacheStrategy, parseCacheStrategy } from '../cache/cache-strategy.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import type { KeyGrant, KeyRing } from '../keys/key-ring.ts';
import type { RateLimiter } from '../plans/rate-limiter.ts';
import { AccelerateError, accelerateErrorReply } from './accelerate-error.ts';
import { type AccelerateEvent, toAccelerateEvent } from './accelerate-event.ts';
import { type Answer, writeAnswer } from './answer.ts';
import { cacheKey } from './cache-key.ts';
import { type ClientVersion, parseClientVersion } from './client-version.ts';
import {
  badRequest,
  parseInvalidateRequest,
  parseQueryRequest,
  parseStartRequest,
  type QueryRequest,
  readJson,
} from './request-body.ts';
import { createRequestScope } from './request-scope.ts';
import { createResponseHeaders, type ResponseFacts } from './response-headers.ts';
import { runQuery, runQueryWithin } from './run-query.ts';
import { createTelemetry, parseTelemetryWish, type Telemetry } from './telemetry.ts';
import { responseTooLarge, type Tenant } from './tenant.ts';
import type { Transactions } from './transactions.ts';

export interface AccelerateHandlerOptions {
  readonly keys: KeyRing;
  readonly tenantOf: (grant: KeyGrant) => Tenant;
  readonly transactions: Transactions;
  readonly cache: ResultCache;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly log: (event: AccelerateEvent) => void;
  /** Longest request body. */
  readonly maxRequestBytes: number;
}

/** What the routes do; each answers errors too, and never rejects. */
export interface AccelerateHandler {
  connectionInfo(request: Request): Promise<Response>;
  query(request: Request): Promise<Response>;
  startTransaction(request: Request): Promise<Response>;
  queryWithin(request: Request, id: string): Promise<Response>;
  commit(request: Request, id: string): Promise<Response>;
  rollback(request: Request, id: string): Promise<Response>;
  invalidate(request: Request): Promise<Response>;
}

/** A request whose key was good. */
interface Context {
  readonly request: Request;
  readonly tenant: Tenant;
  readonly version: ClientVersion;
  readonly telemetry: Telemetry;
  readonly facts: ResponseFacts;
}

/** Read-only operations: the only ones whose results are kept. The client asks for caching everywhere. */
const cacheable: ReadonlySet<string> = new Set(
  'findUnique findUniqueOrThrow findFirst findFirstOrThrow findMany aggregate groupBy'.split(' '),
);

export function createAccelerateHandler(options: AccelerateHandlerOptions): AccelerateHandler {
  const { keys, tenantOf, transactions, cache, limiter, clock, log, maxRequestBytes } = options;

  async function authenticate(request: Request, facts: ResponseFacts): Promise<Tenant> {
    const key = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
    const grant = key === undefined ? undefined : await keys.find(key);
    if (grant === undefined) {
      throw new AccelerateError(
        'P6002',
        'The provided API Key is invalid. Reason: it is unknown here, or was revoked.',
      );
    }
    facts.keyId = grant.id;
    const tenant = tenantOf(grant);
    const waitMs = await limiter.take(grant.id, tenant.plan.requestsPerSecond);
    if (waitMs > 0) {
      const seconds = String(Math.ceil(waitMs / 1000));
      throw new AccelerateError(
        'P5011',
        `Too many requests: this key's plan allows ${tenant.plan.requestsPerSecond} per second.`,
        {
          headers: { 'retry-after': seconds },
        },
      );
    }
    return tenant;
  }

  async function respond(
    route: string,
    request: Request,
    work: (context: Context) => Promise<Answer>,
    isForAnyVersion = false,
  ): Promise<Response> {
    const startedAtMs = clock.now();
    const facts: ResponseFacts = { requestId: newRequestId(), keyId: undefined, cacheStatus: 'none', ageMs: 0 };
    const wish = parseTelemetryWish(request.headers.get('x-capture-telemetry') ?? undefined);
    const telemetry = createTelemetry(wish, request.headers.get('traceparent') ?? undefined);
    let status = 200;
    let body: Uint8Array | string;
    let extraHeaders: Readonly<Record<string, string>> = {};
    let failure: unknown;
    try {
      const tenant = await authenticate(request, facts);
      const version = isForAnyVersion
        ? anyVersion
        : parseClientVersion(request.headers.get('prisma-engine-hash') ?? undefined);
      body = writeAnswer(await work({ request, tenant, version, telemetry, facts }), telemetry.extensions());
    } catch (error) {
      failure = error;
      const reply = accelerateErrorReply(error);
      status = reply.status;
      extraHeaders = reply.headers;
      facts.cacheStatus = 'none';
      body = JSON.stringify({ ...reply.body, ...extensionsOf(telemetry) });
    }
    const headers = { ...createResponseHeaders(facts), ...extraHeaders };
    log(toAccelerateEvent({ route, status, failure, facts, durationMs: clock.now() - startedAtMs }));
    // Response's type wants a buffer that is not shared; ours never is.
    return new Response(body as string | Uint8Array<ArrayBuffer>, { status, headers });
  }

  /** Cached or run now. */
  async function answerQuery(context: Context, query: QueryRequest): Promise<Answer> {
    const { request, tenant, version, telemetry, facts } = context;
    const strategy = cacheable.has(query.operation) ? strategyOf(request) : undefined;
    const run = (signal: AbortSignal | undefined): Promise<Uint8Array> => {
      const scope = createRequestScope({ clock, timeoutMs: tenant.plan.queryTimeoutMs, signal });
      return scope.run(() => runQuery({ tenant, version, request: query, telemetry, scope }));
    };
    if (strategy === undefined) return { data: await run(request.signal) };
    const key = await cacheKey(tenant, version, query);
    // Others may wait for the same result: one caller's leaving must not take it from them.
    const result = await cache.get({ key, scope: tenant.cacheScope }, strategy, () => run(undefined));
    // Stored for somebody whose plan may be larger.
    if (result.body.length > tenant.plan.maxResponseBytes) throw responseTooLarge(tenant.plan);
    facts.cacheStatus = result.status;
    facts.ageMs = clock.now() - result.storedAtMs;
    facts.signature = key;
    return { data: result.body };
  }

  async function end(context: Context, id: string, how: 'commit' | 'rollback'): Promise<Answer> {
    const { tenant, telemetry, request } = context;
    const transaction = transactions.find(tenant, id);
    const scope = createRequestScope({ clock, timeoutMs: tenant.plan.queryTimeoutMs, signal: request.signal });
    if (transaction.session !== undefined) scope.watch(transaction.session);
    await scope.run(() => transaction[how](telemetry));
    return { body: {} };
  }

  return {
    connectionInfo: (request) =>
      respond('connection-info', request, async ({ tenant: { schema } }) => ({
        body: {
          provider: 'postgres',
          connectionInfo: { supportsRelationJoins: true, ...(schema === undefined ? {} : { schemaName: schema }) },
        },
      })),
    query: (request) =>
      respond('query', request, async (context) =>
        answerQuery(context, parseQueryRequest(await readJson(request, maxRequestBytes))),
      ),
    startTransaction: (request) =>
      respond('transaction/start', request, async ({ tenant, version, telemetry }) => {
        const { within, ...wish } = parseStartRequest(await readJson(request, maxRequestBytes));
        if (within === undefined) return { body: { id: await transactions.start(tenant, version, wish, telemetry) } };
        await transactions.find(tenant, within).savepoint(wish, telemetry);
        return { body: { id: within } };
      }),
    queryWithin: (request, id) =>
      respond('transaction/query', request, async ({ tenant, version, telemetry }) => {
        const query = parseQueryRequest(await readJson(request, maxRequestBytes));
        const transaction = transactions.find(tenant, id);
        const queryable = await transaction.queryable();
        const scope = createRequestScope({ clock, timeoutMs: tenant.plan.queryTimeoutMs, signal: request.signal });
        if (transaction.session !== undefined) scope.watch(transaction.session);
        return {
          data: await scope.run(() => runQueryWithin({ tenant, version, request: query, telemetry, scope }, queryable)),
        };
      }),
    commit: (request, id) => respond('transaction/commit', request, (context) => end(context, id, 'commit')),
    rollback: (request, id) => respond('transaction/rollback', request, (context) => end(context, id, 'rollback')),
    invalidate: (request) =>
      respond(
        'invalidate',
        request,
        async ({ tenant }) => {
          await cache.invalidate(tenant.cacheScope, parseInvalidateRequest(await readJson(request, maxRequestBytes)));
          return { body: {} };
        },
        // The extension sends no version with it.
        true,
      ),
  };
}

/** For routes that have nothing to do with plans. */
const anyVersion: ClientVersion = { text: '', major: 7, hasOldPlans: false, level: '7.10' };

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

function newRequestId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}

function extensionsOf(telemetry: Telemetry): { extensions?: Readonly<Record<string, unknown>> } {
  const extensions = telemetry.extensions();
  return extensions === undefined ? {} : { extensions };
}
