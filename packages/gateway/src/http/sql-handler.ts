// `POST /sql`, free of any HTTP server: takes what a request says, gives what a response should be. Mounted twice,
// as a Hono route (mount-sql.ts) and directly on node:http (../node/http-sql.ts).

import { GatewayError, parseSqlRequestBody, type SqlRequestBody, sqlHeader } from '@postern/contract';
import { errorReply } from './error-reply.ts';
import { callerGone } from './request-errors.ts';
import { responseHeaders } from './response-headers.ts';
import type { AuthenticatedCaller, SqlBackend } from './sql-backend.ts';
import { type SqlOutcome, startSqlConversation } from './sql-conversation.ts';
import { type SqlEvent, toSqlEvent } from './sql-event.ts';
import { readSqlHeading, type SqlHeading } from './sql-heading.ts';
import { createTypeCatalogues } from './type-catalogue.ts';

/** What the handler wants to know of a request. */
export interface SqlHttpRequest {
  /** Value of a header by its lower-case name. */
  header(name: string): string | undefined;
  /** The whole body, once. Rejects with `requestTooLarge` as soon as it is longer than `maxBytes`, or `callerGone`. */
  readBody(maxBytes: number): Promise<Uint8Array>;
  /** The caller is gone already. */
  readonly isAborted: boolean;
  /** `listener` is called when the caller goes away before the response is sent. */
  onAbort(listener: () => void): void;
  readonly remoteAddress: string | undefined;
}

/** The whole response. */
export interface SqlHttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Never rejects. */
export type SqlHandler = (request: SqlHttpRequest) => Promise<SqlHttpReply>;

export interface SqlHandlerOptions<Caller extends AuthenticatedCaller> {
  readonly backend: SqlBackend<Caller>;
  /** Longest request body, 10 MiB as at Neon; 413 beyond. All of it is held in memory. */
  readonly maxRequestBytes?: number;
  /** Longest response body, likewise; 507 beyond. All of it is held: an error can still come behind the last row. */
  readonly maxResponseBytes?: number;
  readonly log?: (event: SqlEvent) => void;
  /** Milliseconds, for the log. */
  readonly now?: () => number;
}

const defaultMaxBytes = 10_485_760;

export function createSqlHandler<Caller extends AuthenticatedCaller>(options: SqlHandlerOptions<Caller>): SqlHandler {
  const { backend, log, now = () => performance.now() } = options;
  const { maxRequestBytes = defaultMaxBytes, maxResponseBytes = defaultMaxBytes } = options;
  const catalogues = createTypeCatalogues();

  async function run(
    request: SqlHttpRequest,
    heading: SqlHeading,
    seen: { body?: SqlRequestBody },
  ): Promise<SqlOutcome> {
    // Both take their time; neither needs the other.
    const [caller, body] = await Promise.all([
      backend.authenticate(toCredentials(heading, request.remoteAddress)),
      request.readBody(maxRequestBytes).then(parseBody),
    ]);
    seen.body = body;
    if (request.isAborted) throw callerGone();
    if (body.kind === 'batch' && body.statements.length === 0) return { ok: true, body: emptyBatch };
    const { batch, isRaw, isArrayMode, startupParameters, options: gatewayOptions } = heading;
    const conversation = startSqlConversation({
      body,
      batch,
      isRaw,
      isArrayMode,
      catalogue: catalogues.of(caller.databaseKey),
      maxResponseBytes,
      open: (stream) => backend.openSession(caller, stream, { startupParameters, options: gatewayOptions }),
    });
    request.onAbort(conversation.abort);
    return conversation.outcome;
  }

  return async function handleSql(request): Promise<SqlHttpReply> {
    const requestId = crypto.randomUUID();
    const startedAt = now();
    const seen: { body?: SqlRequestBody } = {};
    let heading: SqlHeading | undefined;
    let outcome: SqlOutcome;
    try {
      heading = readSqlHeading((name) => request.header(name));
      outcome = await run(request, heading, seen);
    } catch (error) {
      outcome = { ok: false, error, statementIndex: undefined };
    }
    const headers = responseHeaders(requestId);
    if (outcome.ok && heading !== undefined && seen.body?.kind === 'batch') echoBatchOptions(headers, heading);
    const reply = outcome.ok ? { status: 200, headers, body: outcome.body } : toErrorReply(headers, outcome);
    log?.(
      toSqlEvent({
        requestId,
        status: reply.status,
        error: outcome.ok ? undefined : outcome.error,
        heading,
        body: seen.body,
        remoteAddress: request.remoteAddress,
        responseBytes: reply.body.length,
        durationMs: now() - startedAt,
      }),
    );
    return reply;
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const emptyBatch = encoder.encode('{"results":[]}');

function toCredentials(
  heading: SqlHeading,
  remoteAddress: string | undefined,
): Parameters<SqlBackend['authenticate']>[0] {
  const { host, port, user, password, database } = heading.target;
  const { bearerToken, options } = heading;
  return { host, port, user, password, bearerToken, database, options, remoteAddress };
}

function parseBody(bytes: Uint8Array): SqlRequestBody {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new GatewayError('invalid_body', 'could not parse the HTTP request body: it is not valid UTF-8');
  }
  return parseSqlRequestBody(text);
}

/** The settings that were accepted; absent when false. */
function echoBatchOptions(headers: Record<string, string>, { batch }: SqlHeading): void {
  if (batch.isolationLevel !== undefined) headers[sqlHeader.batchIsolationLevel] = batch.isolationLevel;
  if (batch.isReadOnly) headers[sqlHeader.batchReadOnly] = 'true';
  if (batch.isDeferrable) headers[sqlHeader.batchDeferrable] = 'true';
}

function toErrorReply(headers: Record<string, string>, outcome: Extract<SqlOutcome, { ok: false }>): SqlHttpReply {
  const { status, body } = errorReply(outcome.error, outcome.statementIndex);
  return { status, headers, body: encoder.encode(JSON.stringify(body)) };
}
