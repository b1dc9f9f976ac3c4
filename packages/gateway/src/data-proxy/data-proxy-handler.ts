/**
 * Prisma's older remote protocol, the Data Proxy's: what clients of version 6 ask for whose code was generated without an
 * engine (reference/prisma.md §2.3). They send queries, not plans; the compiler that a newer client brings along is here.
 * Not affiliated with Prisma. Free of any HTTP server: takes a Request, gives a Response.
 */
import type { BatchResponse, QueryPlanNode } from '@prisma/client-engine-runtime';
import type { Answer } from '../accelerate/answer.ts';
import { createCachedResults } from '../accelerate/cached-result.ts';
import type { ClientVersion } from '../accelerate/client-version.ts';
import type { PrismaService } from '../accelerate/create-accelerate.ts';
import { badRequest, readBytes } from '../accelerate/request-body.ts';
import { createRequestScope } from '../accelerate/request-scope.ts';
import type { ErrorReply, Exchange } from '../accelerate/responder.ts';
import { insideTransaction, type PlanRequest, runQuery, withSession } from '../accelerate/run-query.ts';
import { createTransactionWork } from '../accelerate/transaction-work.ts';
import { parsePathVersion } from './client-version.ts';
import { maxPlanCharacters } from './compiler-thread.ts';
import { queryErrorReply, requestErrorReply } from './error-reply.ts';
import { publicOrigin } from './public-origin.ts';
import type { QueryCompilers } from './query-compilers.ts';
import { SchemaMissing } from './refusal.ts';
import { type GraphqlRequest, readGraphqlRequest, readStartRequest } from './request-body.ts';
import { nameResult } from './result-json.ts';
import { type CompiledBatch, runBatch, runBatchOn } from './run-batch.ts';
import { maxSchemaUploadBytes, type SchemaStore, type StoredSchema } from './schema-store.ts';

export interface DataProxyHandlerOptions extends PrismaService {
  readonly schemas: SchemaStore;
  readonly compilers: QueryCompilers;
  /** `https://gate.example.com`; undefined: as the request says. */
  readonly publicOrigin?: string | undefined;
}

/** What the path says. */
export interface ClientPath {
  /** Of the client. */
  readonly version: string;
  /** Of its schema. */
  readonly hash: string;
}

/** What the routes do; each answers errors too, and never rejects. */
export interface DataProxyHandler {
  putSchema(request: Request, path: ClientPath): Promise<Response>;
  query(request: Request, path: ClientPath): Promise<Response>;
  startTransaction(request: Request, path: ClientPath): Promise<Response>;
  queryWithin(request: Request, path: ClientPath, id: string): Promise<Response>;
  commit(request: Request, path: ClientPath, id: string): Promise<Response>;
  rollback(request: Request, path: ClientPath, id: string): Promise<Response>;
}

/** A request whose key was good, and whose client is understood. */
interface Context extends Exchange {
  readonly version: ClientVersion;
}

export function createDataProxyHandler(options: DataProxyHandlerOptions): DataProxyHandler {
  const { respond: respondTo, transactions, cache, clock, maxRequestBytes, schemas, compilers } = options;
  const cachedResult = createCachedResults({ cache, clock });
  const work = createTransactionWork({ transactions, clock });

  const respond = (
    route: string,
    request: Request,
    { version }: ClientPath,
    errorReply: ErrorReply,
    answer: (context: Context) => Promise<Answer>,
  ): Promise<Response> =>
    respondTo(`data-proxy/${route}`, request, errorReply, async (exchange) =>
      answer({ ...exchange, version: parsePathVersion(version) }),
    );

  function schemaOf({ tenant }: Context, { hash }: ClientPath): StoredSchema {
    const schema = schemas.find(tenant.keyId, hash);
    if (schema === undefined) throw new SchemaMissing();
    return schema;
  }

  /** The plans, part by part. Not on the query's time: what a busy compiler costs is no fault of the database. */
  function compile<T>(context: Context, schema: StoredSchema, { parts }: GraphqlRequest): Promise<T[]> {
    const queries = parts.flatMap((part) => part.queries);
    const attributes = {
      models: queries.flatMap(({ model }) => (model === undefined ? [] : [model])),
      actions: queries.map(({ action }) => action),
    };
    return context.telemetry.tracing.runInChildSpan({ name: 'compile', attributes }, async () => {
      const plans: T[] = [];
      let characters = 0;
      for (const { kind, text } of parts) {
        const json = await compilers.compile(schema, context.tenant.schema, kind, text);
        characters += json.length;
        if (characters > maxPlanCharacters) throw badRequest('the batch is too large: ask for less at once');
        plans.push(JSON.parse(json) as T); // the compiler's own; its nodes are checked by the interpreter as it comes to them
      }
      return plans;
    });
  }

  async function compileSingle(context: Context, schema: StoredSchema, request: GraphqlRequest): Promise<PlanRequest> {
    const [plan] = await compile<QueryPlanNode>(context, schema, request);
    return { plan: plan!, params: {}, comments: undefined };
  }

  async function compileBatch(context: Context, schema: StoredSchema, request: GraphqlRequest): Promise<CompiledBatch> {
    const { parts, transaction } = request;
    const compiled = await compile<BatchResponse>(context, schema, request);
    return {
      parts: compiled.map((response, index) => ({ queries: parts[index]!.queries, compiled: response })),
      transaction,
    };
  }

  /** Cached or run now. */
  async function answerSingle(context: Context, schema: StoredSchema, request: GraphqlRequest): Promise<Answer> {
    const { tenant } = context;
    const action = actionOf(request);
    const result = await cachedResult(context, {
      operation: action,
      key: () => keyOf(tenant.cacheScope, schema, request),
      async run(signal) {
        const plan = await compileSingle(context, schema, request);
        const scope = createRequestScope({ clock, timeoutMs: tenant.plan.queryTimeoutMs, signal });
        return scope.run(() => withSession(context, scope, (target) => runQuery(context, plan, target)));
      },
    });
    return { data: nameResult(action, result) };
  }

  async function answerBatch(context: Context, schema: StoredSchema, request: GraphqlRequest): Promise<Answer> {
    const { plan } = context.tenant;
    const batch = await compileBatch(context, schema, request);
    // A batch that is a transaction has a transaction's time.
    const timeoutMs = batch.transaction === undefined ? plan.queryTimeoutMs : plan.transactionTimeoutMs;
    const scope = createRequestScope({ clock, timeoutMs, signal: context.request.signal });
    return { batchResult: await scope.run(() => runBatch(context, scope, batch)) };
  }

  async function answerWithin(context: Context, path: ClientPath, id: string): Promise<Answer> {
    const schema = schemaOf(context, path);
    const request = await readGraphqlRequest(context.request, maxRequestBytes);
    if (request.kind === 'batch') {
      const batch = await compileBatch(context, schema, request);
      return {
        batchResult: await work.within(context, id, (transaction) =>
          runBatchOn(context, insideTransaction(transaction), batch),
        ),
      };
    }
    const plan = await compileSingle(context, schema, request);
    const result = await work.within(context, id, (transaction) =>
      runQuery(context, plan, insideTransaction(transaction)),
    );
    return { data: nameResult(actionOf(request), result) };
  }

  const end =
    (how: 'commit' | 'rollback') =>
    (request: Request, path: ClientPath, id: string): Promise<Response> =>
      respond(`itx/${how}`, request, path, requestErrorReply, async (context) => {
        await work.end(context, id, how);
        return { body: {} };
      });

  return {
    putSchema: (request, path) =>
      respond('schema', request, path, requestErrorReply, async ({ tenant }) => {
        const base64 = new TextDecoder().decode(await readBytes(request, maxSchemaUploadBytes));
        await schemas.put(tenant.keyId, path.hash, base64);
        return { body: { schemaHash: path.hash } };
      }),
    query: (request, path) =>
      respond('graphql', request, path, queryErrorReply, async (context) => {
        const schema = schemaOf(context, path);
        const query = await readGraphqlRequest(request, maxRequestBytes);
        return query.kind === 'batch' ? answerBatch(context, schema, query) : answerSingle(context, schema, query);
      }),
    startTransaction: (request, path) =>
      respond('transaction/start', request, path, requestErrorReply, async ({ tenant, version, telemetry }) => {
        const wish = await readStartRequest(request, maxRequestBytes);
        const id = await transactions.start(tenant, version, wish, telemetry);
        const origin = publicOrigin(request, options.publicOrigin);
        return {
          body: { id, 'data-proxy': { endpoint: `${origin}/${path.version}/${path.hash}/itx/${id}` } },
        };
      }),
    queryWithin: (request, path, id) =>
      respond('itx/graphql', request, path, queryErrorReply, (context) => answerWithin(context, path, id)),
    commit: end('commit'),
    rollback: end('rollback'),
  };
}

function actionOf({ parts }: GraphqlRequest): string {
  return parts[0]!.queries[0]!.action;
}

/** Everything the result depends on. */
async function keyOf(cacheScope: string, schema: StoredSchema, { parts }: GraphqlRequest): Promise<string> {
  const told = JSON.stringify([cacheScope, 'data-proxy', schema.id, parts[0]!.text]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(told));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
