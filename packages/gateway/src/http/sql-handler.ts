// `POST /sql`, free of any HTTP server: takes what a request says, gives what a response should be. Mounted twice,
// as a Hono route (mount-sql.ts) and directly on node:http (../node/http-sql.ts).

import { posternHeader, rowStreamContentType, sqlHeader } from '@postern/contract';
import type { Clock } from '@postern/pool';
import type { CacheReport, SqlCache } from '../cache/sql-cache.ts';
import { errorReply } from './error-reply.ts';
import { responseHeaders } from './response-headers.ts';
import type { AuthenticatedCaller, SqlBackend } from './sql-backend.ts';
import { type SqlEvent, toSqlEvent } from './sql-event.ts';
import { createSqlHeadingReader, type SqlHeading } from './sql-heading.ts';
import { createSqlRunner, type SqlAnswer, type SqlRun } from './sql-runner.ts';
import type { SqlTransactions } from './sql-transactions.ts';
import type { StreamedBody } from './streamed-body.ts';

/** What the handler wants to know of a request. */
export interface SqlHttpRequest {
  /** Value of a header by its lower-case name. */
  header(name: string): string | undefined;
  /** The same object means the same headers (but for lengths); undefined: unknown. */
  readonly headersKey?: object;
  /** The whole body, once. Rejects with `requestTooLarge` as soon as it is longer than `maxBytes`, or `callerGone`. */
  readBody(maxBytes: number): Uint8Array | Promise<Uint8Array>;
  /** The caller is gone already. */
  readonly isAborted: boolean;
  /** `listener` is called when the caller goes away before the response is sent. May be called several times. */
  onAbort(listener: () => void): void;
  readonly remoteAddress: string | undefined;
}

/** The response: whole, or with a body that is still being made. */
export interface SqlHttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | StreamedBody;
}

/** Never rejects. */
export type SqlHandler = (request: SqlHttpRequest) => Promise<SqlHttpReply>;

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
}

const defaultMaxBytes = 10_485_760;

export function createSqlHandler<Caller extends AuthenticatedCaller>(options: SqlHandlerOptions<Caller>): SqlHandler {
  const { clock, log } = options;
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

  return async function handleSql(request): Promise<SqlHttpReply> {
    const requestId = crypto.randomUUID();
    const startedAt = clock.now();
    const run: SqlRun = {};
    let heading: SqlHeading | undefined;
    let answer: SqlAnswer;
    try {
      heading = headingOf(request);
      answer = await runSql(request, heading, run);
    } catch (error) {
      answer = { kind: 'whole', ok: false, error, statementIndex: undefined };
    }
    const headers = responseHeaders(requestId);
    if (run.transaction !== undefined) tellTransaction(headers, run.transaction);
    if (run.cache !== undefined) tellCache(headers, run.cache);
    if (answer.ok && heading !== undefined && run.body?.kind === 'batch') echoBatchOptions(headers, heading);
    const reply = toReply(headers, answer);
    const told = (error: unknown, responseBytes: number): void =>
      log?.(
        toSqlEvent({
          requestId,
          status: reply.status,
          error,
          heading,
          body: run.body,
          remoteAddress: request.remoteAddress,
          transaction: run.transaction?.turn.state,
          responseBytes,
          durationMs: clock.now() - startedAt,
        }),
      );
    if (reply.body instanceof Uint8Array) told(answer.ok ? undefined : answer.error, reply.body.length);
    else if (answer.kind === 'streamed') void answer.finished.then(({ error, bytes }) => told(error, bytes));
    return reply;
  };
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

function toReply(headers: Record<string, string>, answer: SqlAnswer): SqlHttpReply {
  if (answer.kind === 'streamed') {
    // The second header asks nginx and its kind not to wait for the whole.
    const more = { 'content-type': rowStreamContentType, 'x-accel-buffering': 'no' };
    return { status: 200, headers: { ...headers, ...more }, body: answer.body };
  }
  if (answer.ok) return { status: 200, headers, body: answer.body };
  const { status, body } = errorReply(answer.error, answer.statementIndex);
  return { status, headers, body: encoder.encode(JSON.stringify(body)) };
}
