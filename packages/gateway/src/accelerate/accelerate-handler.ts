/**
 * The Accelerate-compatible endpoint: what a Prisma client with an `accelerateUrl` asks for (reference/prisma.md §2.1). Not
 * affiliated with Prisma. Free of any HTTP server: takes a Request, gives a Response.
 */
import type { Clock } from '@postern/pool';
import type { ResultCache } from '../cache/result-cache.ts';
import { accelerateErrorReply } from './accelerate-error.ts';
import type { Answer } from './answer.ts';
import { cacheKey } from './cache-key.ts';
import { createCachedResults } from './cached-result.ts';
import { type ClientVersion, parseClientVersion } from './client-version.ts';
import {
  parseInvalidateRequest,
  parseQueryRequest,
  parseStartRequest,
  type QueryRequest,
  readJson,
} from './request-body.ts';
import { createRequestScope } from './request-scope.ts';
import type { Exchange, Respond } from './responder.ts';
import { insideTransaction, runQuery, withSession } from './run-query.ts';
import { createTransactionWork } from './transaction-work.ts';
import type { Transactions } from './transactions.ts';

export interface AccelerateHandlerOptions {
  readonly respond: Respond;
  readonly transactions: Transactions;
  readonly cache: ResultCache;
  readonly clock: Clock;
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

/** A request whose key was good, and whose client is understood. */
interface Context extends Exchange {
  readonly version: ClientVersion;
}

export function createAccelerateHandler(options: AccelerateHandlerOptions): AccelerateHandler {
  const { respond: respondTo, transactions, cache, clock, maxRequestBytes } = options;
  const cachedResult = createCachedResults({ cache, clock });
  const work = createTransactionWork({ transactions, clock });

  const respond = (route: string, request: Request, answer: (context: Context) => Promise<Answer>): Promise<Response> =>
    respondTo(route, request, accelerateErrorReply, async (exchange) =>
      answer({ ...exchange, version: parseClientVersion(request.headers.get('prisma-engine-hash') ?? undefined) }),
    );

  /** Cached or run now. */
  async function answerQuery(context: Context, query: QueryRequest): Promise<Answer> {
    const { tenant, version } = context;
    const data = await cachedResult(context, {
      operation: query.operation,
      key: () => cacheKey(tenant, version, query),
      run(signal) {
        const scope = createRequestScope({ clock, timeoutMs: tenant.plan.queryTimeoutMs, signal });
        return scope.run(() => withSession(context, scope, (target) => runQuery(context, query, target)));
      },
    });
    return { data };
  }

  const end = (route: string, request: Request, id: string, how: 'commit' | 'rollback'): Promise<Response> =>
    respond(route, request, async (context) => {
      await work.end(context, id, how);
      return { body: {} };
    });

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
      respond('transaction/query', request, async (context) => {
        const query = parseQueryRequest(await readJson(request, maxRequestBytes));
        const data = await work.within(context, id, (transaction) =>
          runQuery(context, query, insideTransaction(transaction)),
        );
        return { data };
      }),
    commit: (request, id) => end('transaction/commit', request, id, 'commit'),
    rollback: (request, id) => end('transaction/rollback', request, id, 'rollback'),
    // The extension sends no version with it.
    invalidate: (request) =>
      respondTo('invalidate', request, accelerateErrorReply, async ({ tenant }) => {
        await cache.invalidate(tenant.cacheScope, parseInvalidateRequest(await readJson(request, maxRequestBytes)));
        return { body: {} };
      }),
  };
}
