// `POST /sql`, free of any HTTP server: takes what a request says, gives what a response should be. Mounted twice,
// as a Hono route (mount-sql.ts) and directly on node:http (../node/http-sql.ts).

import { type GatewayError, posternHeader, rowStreamContentType, sqlHeader } from '@postern/contract';
import type { Clock, StreamSecurity, Timer } from '@postern/pool';
import type { CacheReport, SqlCache } from '../cache/sql-cache.ts';
import { errorReply } from './error-reply.ts';
import type { BodyLender } from './lent-body.ts';
import { createRequestIds } from './request-ids.ts';
import { sqlResponseHeaders } from './response-headers.ts';
import type { AuthenticatedCaller, SqlBackend } from './sql-backend.ts';
import { type SqlEvent, toSqlEvent } from './sql-event.ts';
import { createSqlHeadingReader, type SqlHeading } from './sql-heading.ts';
import { createSqlRunner, type RunSql, type SqlAnswer, type SqlRun } from './sql-runner.ts';
import type { SqlTransactions } from './sql-transactions.ts';
import type { StreamedBody } from './streamed-body.ts';

/** What the handler wants to know of a request. */
export interface SqlHttpRequest {
  /** Value of a header by its lower-case name. */
  header(name: string): string | undefined;
  /** The same object means the same headers (but for lengths); undefined: unknown. */
  readonly headersKey?: object;
  /**
   * The whole body, once; what is here at once is borrowed, valid until the caller of this returns to its own caller.
   * Rejects with `requestTooLarge` as soon as it is longer than `maxBytes`, or `callerGone`.
   */
  readBody(maxBytes: number): Uint8Array | Promise<Uint8Array>;
  /** The caller is gone already. */
  readonly isAborted: boolean;
  /**
   * `listener` is called when the caller goes away before the response is sent, or with the reason why it is as if it had.
   * May be called several times.
   */
  onAbort(listener: (reason?: GatewayError) => void): void;
  readonly remoteAddress: string | undefined;
  /** Who could have read it on its way. */
  readonly security: StreamSecurity;
}

/** The response: whole, or with a body that is still being made. */
export interface SqlHttpReply {
  readonly status: number;
  /** The same object means the same headers: all but the request's own id. */
  readonly headers: Readonly<Record<string, string>>;
  /** Neon-Request-Id, a UUID; absent: there is none, or it is among the headers. */
  readonly requestId?: string;
  readonly body: Uint8Array | StreamedBody;
  /** Of a whole body that is valid during the call only, unless its memory is given away. */
  readonly lender?: BodyLender | undefined;
}

export type WholeReply = SqlHttpReply & { readonly body: Uint8Array };

export function isWhole(reply: SqlHttpReply): reply is WholeReply {
  return reply.body instanceof Uint8Array;
}

/**
 * Calls `respond` once, now or later; never throws. A call back and no promise: in a small request promises cost as much
 * as the query.
 */
export type SqlHandler = (request: SqlHttpRequest, respond: (reply: SqlHttpReply) => void) => void;

/** The headers of a reply, its id among them. */
export function allHeaders({ headers, requestId }: SqlHttpReply): Readonly<Record<string, string>> {
  return requestId === undefined ? headers : { ...headers, [sqlHeader.requestId]: requestId };
}

export interface SqlHandlerOptions<Caller extends AuthenticatedCaller> {
  readonly backend: SqlBackend<Caller>;
  readonly transactions: SqlTransactions;
  readonly clock: Clock;
  /** Longest request body, 10 MiB as at Neon; 413 beyond. All of it is held in memory. */
  readonly maxRequestBytes?: number;
  /** Longest whole response body, likewise; 507 beyond. All of it is held: an error can still come behind the last row. */
  readonly maxResponseBytes?: number;
  /** Longest row of a streamed response, as Postgres sends it. */
  readonly maxRowBytes?: number;
  /** A caller that takes nothing of a streamed response for so long is dropped: it holds a server connection. */
  readonly stallTimeoutMs?: number;
  /** Keeps results when requests ask for it. */
  readonly cache?: SqlCache;
  readonly log?: (event: SqlEvent) => void;
  /** Log requests that succeed, too; default true. */
  readonly logsSuccess?: boolean;
}

const defaultMaxBytes = 10_485_760;

export function createSqlHandler<Caller extends AuthenticatedCaller>(options: SqlHandlerOptions<Caller>): SqlHandler {
  const { clock, log, logsSuccess = true } = options;
  const runSql = createSqlRunner({
    maxRequestBytes: defaultMaxBytes,
    maxResponseBytes: defaultMaxBytes,
    maxRowBytes: 67_108_864,
    stallTimeoutMs: 60_000,
    ...options,
  });

  const readHeading = createSqlHeadingReader();
  const headings = new WeakMap<object, SqlHeading>();

  /** Callers that stay connected say the same again and again. */
  function headingOf(request: SqlHttpRequest): SqlHeading {
    const { headersKey } = request;
    const known = headersKey === undefined ? undefined : headings.get(headersKey);
    if (known !== undefined) return known;
    const heading = readHeading((name) => request.header(name));
    if (headersKey !== undefined) headings.set(headersKey, heading);
    return heading;
  }

  const context: ExchangeContext = {
    clock,
    nextId: createRequestIds(),
    log: logsSuccess ? log : undefined,
    logError: log,
  };

  return function handleSql(request, respond) {
    new SqlExchange(request, respond, context).start(runSql, headingOf);
  };
}

interface ExchangeContext {
  readonly clock: Clock;
  readonly nextId: () => string;
  /** Of what succeeded. */
  readonly log: SqlHandlerOptions<AuthenticatedCaller>['log'];
  readonly logError: SqlHandlerOptions<AuthenticatedCaller>['log'];
}

/** One request and its response. A class, so that small requests do not pay for closures. */
class SqlExchange implements SqlRun {
  body: SqlRun['body'];
  transaction: SqlRun['transaction'];
  cache: SqlRun['cache'];
  timeLimit: Timer | undefined;
  private heading: SqlHeading | undefined;
  private isAnswered = false;
  private readonly requestId: string;
  private readonly startedAt: number;
  private readonly request: SqlHttpRequest;
  private readonly respond: (reply: SqlHttpReply) => void;
  private readonly context: ExchangeContext;

  constructor(request: SqlHttpRequest, respond: (reply: SqlHttpReply) => void, context: ExchangeContext) {
    this.request = request;
    this.respond = respond;
    this.context = context;
    this.requestId = context.nextId();
    this.startedAt = context.clock.now();
  }

  start(runSql: RunSql, headingOf: (request: SqlHttpRequest) => SqlHeading): void {
    try {
      this.heading = headingOf(this.request);
    } catch (error) {
      this.answered({ kind: 'whole', ok: false, error, statementIndex: undefined });
      return;
    }
    runSql(this.request, this.heading, this);
  }

  answered(answer: SqlAnswer): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    const reply = this.replyOf(answer);
    // The body may be borrowed: its length is asked for first.
    const length = reply.body instanceof Uint8Array ? reply.body.length : 0;
    this.respond(reply);
    if (answer.kind === 'streamed') {
      void answer.finished.then(({ error, bytes }) => {
        this.timeLimit?.cancel();
        this.tell(reply.status, error, bytes);
      });
      return;
    }
    this.timeLimit?.cancel();
    this.tell(reply.status, answer.ok ? undefined : answer.error, length);
  }

  private replyOf(answer: SqlAnswer): SqlHttpReply {
    const { requestId } = this;
    const headers = this.headersOf(answer);
    if (answer.kind === 'streamed') {
      // The second header asks nginx and its kind not to wait for the whole.
      const more = { 'content-type': rowStreamContentType, 'x-accel-buffering': 'no' };
      return { status: 200, headers: { ...headers, ...more }, requestId, body: answer.body };
    }
    if (answer.ok) {
      return { status: 200, headers, requestId, body: answer.body, lender: answer.lender };
    }
    const { status, body } = errorReply(answer.error, answer.statementIndex);
    return { status, headers, requestId, body: encoder.encode(JSON.stringify(body)) };
  }

  private headersOf({ ok }: SqlAnswer): Readonly<Record<string, string>> {
    const { transaction, cache, heading } = this;
    const hasBatch = ok && heading !== undefined && this.body?.kind === 'batch';
    if (transaction === undefined && cache === undefined && !hasBatch) return sqlResponseHeaders;
    const headers = { ...sqlResponseHeaders };
    if (transaction !== undefined) tellTransaction(headers, transaction);
    if (cache !== undefined) tellCache(headers, cache);
    if (hasBatch) echoBatchOptions(headers, heading);
    return headers;
  }

  private tell(status: number, error: unknown, responseBytes: number): void {
    const log = error === undefined ? this.context.log : this.context.logError;
    log?.(
      toSqlEvent({
        requestId: this.requestId,
        status,
        error,
        heading: this.heading,
        body: this.body,
        remoteAddress: this.request.remoteAddress,
        transaction: this.transaction?.turn.state,
        responseBytes,
        durationMs: this.context.clock.now() - this.startedAt,
      }),
    );
  }
}

const encoder = new TextEncoder();

/** The settings that were accepted; absent when false. */
function echoBatchOptions(headers: Record<string, string>, { batch }: SqlHeading): void {
  if (batch.isolationLevel !== undefined) headers[sqlHeader.batchIsolationLevel] = batch.isolationLevel;
  if (batch.isReadOnly) headers[sqlHeader.batchReadOnly] = 'true';
  if (batch.isDeferrable) headers[sqlHeader.batchDeferrable] = 'true';
}

/** The token as long as there is something it can be used for. */
function tellTransaction(headers: Record<string, string>, { token, turn }: NonNullable<SqlRun['transaction']>): void {
  const { state } = turn;
  headers[posternHeader.transactionState] = state;
  if (state !== 'over') headers[posternHeader.transaction] = token;
}

function tellCache(headers: Record<string, string>, { status, ageMs }: CacheReport): void {
  headers[posternHeader.cache] = status;
  if (status !== 'none') headers.age = String(Math.floor(ageMs / 1000));
}
