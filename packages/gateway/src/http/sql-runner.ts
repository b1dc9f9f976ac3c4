// One `/sql` request from its headers to its answer: who it is, what it runs, on which session. Knows no response.

import {
  GatewayError,
  parseSqlRequestBody,
  posternHeader,
  type SqlRequestBody,
  type SqlStatement,
} from '@postern/contract';
import type { ByteStream, Clock, Timer } from '@postern/pool';
import type { CacheReport, SqlCache } from '../cache/sql-cache.ts';
import { credentialsOf } from './caller-check.ts';
import { takeRequest, withTimeLimit } from './caller-limits.ts';
import { copyUnsupported, findCopy } from './copy-statement.ts';
import { errorReply } from './error-reply.ts';
import type { TransactionTurn } from './interactive-transaction.ts';
import { createKeptSessions } from './kept-sessions.ts';
import { ownBody } from './lent-body.ts';
import { createRepeatedTexts } from './repeated-texts.ts';
import { callerGone } from './request-errors.ts';
import { createSegmentWriter } from './segment-writer.ts';
import { connectOwnSession } from './session-port.ts';
import { SqlAttempt, type SqlAttemptContext } from './sql-attempt.ts';
import type { AuthenticatedCaller, SqlBackend, SqlSession } from './sql-backend.ts';
import { createSqlBenches } from './sql-bench.ts';
import type { SqlHttpRequest } from './sql-handler.ts';
import type { SqlHeading } from './sql-heading.ts';
import type { SqlOutcome } from './sql-outcome.ts';
import { segmentCommands, writeSegment } from './sql-segments.ts';
import { type SqlStreamStart, startSqlStream } from './sql-stream.ts';
import type { SqlTransactions } from './sql-transactions.ts';
import { createTypeCatalogues } from './type-catalogue.ts';

export interface SqlRunnerOptions<Caller extends AuthenticatedCaller> {
  readonly backend: SqlBackend<Caller>;
  readonly transactions: SqlTransactions;
  readonly clock: Clock;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly maxRowBytes: number;
  readonly stallTimeoutMs: number;
  /** Keeps results when requests ask for it. */
  readonly cache?: SqlCache;
}

/** What is found out about a request, known when its answer is written even if that is an error; and who gets the answer. */
export interface SqlRun {
  body: SqlRequestBody | undefined;
  /** The request reached its transaction. The token is a secret. */
  transaction: { readonly token: string; readonly turn: TransactionTurn } | undefined;
  /** The request asked something of the cache. */
  cache: CacheReport | undefined;
  /** Stopped by the answer. */
  timeLimit: Timer | undefined;
  /** Once. */
  answered(answer: SqlAnswer): void;
}

export type SqlAnswer = SqlOutcome | ({ readonly kind: 'streamed' } & Extract<SqlStreamStart, { ok: true }>);

/** Notes in `run` what it finds out, and answers there. Never throws. */
export type RunSql = (request: SqlHttpRequest, heading: SqlHeading, run: SqlRun) => void;

export function createSqlRunner<Caller extends AuthenticatedCaller>(options: SqlRunnerOptions<Caller>): RunSql {
  const { backend, transactions, clock, maxRequestBytes, maxResponseBytes, maxRowBytes, stallTimeoutMs, cache } =
    options;
  const segmentWriter = createSegmentWriter();
  const context: SqlAttemptContext<Caller> = {
    ...{ backend, segmentWriter, maxResponseBytes },
    keptSessions: createKeptSessions({ clock, namePrefix: `${crypto.randomUUID().slice(0, 8)}_` }),
    repeatedTexts: createRepeatedTexts(),
    benches: createSqlBenches({ maxResponseBytes }),
    catalogues: createTypeCatalogues(),
  };

  /** By the longest response of the plans that differ. */
  const contexts = new Map<number, SqlAttemptContext<Caller>>();

  function contextOf({ limits }: Caller): SqlAttemptContext<Caller> {
    if (limits === undefined) return context;
    const { maxResponseBytes } = limits;
    let limited = contexts.get(maxResponseBytes);
    if (limited === undefined) {
      limited = { ...context, maxResponseBytes, benches: createSqlBenches({ maxResponseBytes }) };
      contexts.set(maxResponseBytes, limited);
    }
    return limited;
  }

  return function runSql(request, heading, run) {
    try {
      const caller = backend.authenticate(credentialsOf(heading, request));
      if (caller instanceof Promise) runLater(caller, request, heading, run);
      else authenticated(caller, request, heading, run);
    } catch (error) {
      run.answered(failed(error));
    }
  };

  function runLater(caller: Promise<Caller>, request: SqlHttpRequest, heading: SqlHeading, run: SqlRun): void {
    caller
      .then((known) => authenticated(known, request, heading, run))
      .catch((error: unknown) => run.answered(failed(error)));
  }

  /** May throw. Not before: what strangers send is neither gathered nor parsed. */
  function authenticated(caller: Caller, request: SqlHttpRequest, heading: SqlHeading, run: SqlRun): void {
    if (caller.limits === undefined) admitted(caller, request, heading, run);
    else {
      takeRequest(caller.limits)
        .then(() => admitted(caller, request, heading, run))
        .catch((error: unknown) => run.answered(failed(error)));
    }
  }

  function admitted(caller: Caller, request: SqlHttpRequest, heading: SqlHeading, run: SqlRun): void {
    const received = request.readBody(maxRequestBytes);
    if (received instanceof Promise) {
      received
        .then((bytes) => runBody(bytes, caller, request, heading, run))
        .catch((error: unknown) => run.answered(failed(error)));
    } else runBody(received, caller, request, heading, run);
  }

  function runBody(bytes: Uint8Array, caller: Caller, sent: SqlHttpRequest, heading: SqlHeading, run: SqlRun): void {
    const body = parseBody(bytes);
    run.body = body;
    const { limits } = caller;
    const request = limits === undefined ? sent : withTimeLimit(sent, run, clock, limits);
    if (request.isAborted) throw callerGone();
    const copy = findCopy(body);
    if (copy !== undefined) {
      run.answered(failed(copyUnsupported(), body.kind === 'batch' ? copy : undefined));
      return;
    }
    const { extensions } = heading;
    if (extensions.isStream && body.kind !== 'single') {
      throw new GatewayError('invalid_body', 'only a single statement ("query") can be streamed');
    }
    if (extensions.transaction !== undefined || extensions.isStream) {
      const forget = cache?.invalidation(request, caller.callerKey);
      if (forget !== undefined && extensions.transaction !== undefined && extensions.transaction.end !== 'commit') {
        const message = `${posternHeader.cacheInvalidate} belongs to the request that commits the transaction`;
        throw new GatewayError('invalid_header', message);
      }
      runExtended(caller, request, heading, body, run, forget).catch((error: unknown) => run.answered(failed(error)));
      return;
    }
    if (body.kind === 'batch' && body.statements.length === 0) {
      answerThen(run, emptyBatch, cache?.invalidation(request, caller.callerKey));
      return;
    }
    const subject = { caller, heading, body, turn: undefined };
    const cached = cache?.turn(request, { callerKey: caller.callerKey, heading, body });
    if (cached === undefined) {
      new SqlAttempt(contextOf(caller), subject, run).start(request);
      return;
    }
    // What others wait for too goes on when this caller leaves.
    const leaver = cached.isShared ? undefined : request;
    const load = (): Promise<SqlOutcome> =>
      new Promise((resolve) => {
        new SqlAttempt(contextOf(caller), subject, { answered: (outcome) => resolve(toKeep(outcome)) }).start(leaver);
      });
    cached
      .answer(load, (report) => {
        run.cache = report;
      })
      .then((outcome) => run.answered(outcome))
      .catch((error: unknown) => run.answered(failed(error)));
  }

  /** In an interactive transaction, or streamed, or both. */
  async function runExtended(
    caller: Caller,
    request: SqlHttpRequest,
    heading: SqlHeading,
    body: SqlRequestBody,
    run: SqlRun,
    forget: Forget,
  ): Promise<void> {
    const { batch, extensions } = heading;
    const { startupParameters, options: gatewayOptions } = heading;
    const open = (stream: ByteStream): SqlSession | undefined =>
      backend.openSession(caller, stream, { startupParameters, options: gatewayOptions });
    if (extensions.transaction !== undefined) {
      run.transaction = await takeTurn(extensions.transaction, caller, open, request);
    }
    const turn = run.transaction?.turn;
    const commands = segmentCommands(body, batch, extensions.transaction);
    const statements = statementsOf(body);
    const isNothing = statements.length === 0 && commands.before === undefined && commands.after === undefined;
    if (request.isAborted || isNothing) {
      turn?.skip();
      if (request.isAborted) throw callerGone();
      run.answered(emptyBatch);
      return;
    }
    if (extensions.isStream) {
      const stream = startSqlStream({
        ...{ segment: writeSegment(segmentWriter, statements, commands), commands, maxRowBytes, clock, stallTimeoutMs },
        connect: turn?.connect ?? connectOwnSession(open),
        errorBody: (error) => errorReply(error).body,
        transactionState: () => turn?.state,
      });
      request.onAbort(stream.abort);
      const start = await stream.start;
      if (start.ok && forget !== undefined) {
        run.cache = { status: 'none', ageMs: 0 };
        void start.finished.then(({ error }) => (error === undefined ? forget() : undefined));
      }
      run.answered(start.ok ? { kind: 'streamed', ...start } : failed(start.error));
      return;
    }
    const taker = forget === undefined ? run : { answered: (outcome: SqlOutcome) => answerThen(run, outcome, forget) };
    new SqlAttempt(contextOf(caller), { caller, heading, body, turn }, taker).start(request);
  }

  async function takeTurn(
    transaction: NonNullable<SqlHeading['extensions']['transaction']>,
    { callerKey, limits }: Caller,
    open: Parameters<SqlTransactions['begin']>[0]['open'],
    request: SqlHttpRequest,
  ): Promise<NonNullable<SqlRun['transaction']>> {
    if (transaction.kind === 'begin') {
      const { timeoutMs } = transaction;
      return transactions.begin({ callerKey, timeoutMs, maxTimeoutMs: limits?.transactionTimeoutMs, open });
    }
    const { token } = transaction;
    const turn = await transactions.enter(token, callerKey, (listener) => request.onAbort(listener));
    return { token, turn };
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const emptyBatch: SqlOutcome = {
  kind: 'whole',
  ok: true,
  body: new TextEncoder().encode('{"results":[]}'),
  lender: undefined,
};

/** Of what is cached, when the request has succeeded. */
type Forget = (() => Promise<void>) | undefined;

/** Answers once that is done which comes with success. */
function answerThen(run: SqlRun, outcome: SqlOutcome, forget: Forget): void {
  if (forget === undefined || !outcome.ok) {
    run.answered(outcome);
    return;
  }
  const kept = toKeep(outcome);
  run.cache = { status: 'none', ageMs: 0 };
  forget()
    .then(() => run.answered(kept))
    .catch((error: unknown) => run.answered(failed(error)));
}

function failed(error: unknown, statementIndex?: number): SqlAnswer {
  return { kind: 'whole', ok: false, error, statementIndex };
}

/** The same in memory of its own. */
function toKeep(outcome: SqlOutcome): SqlOutcome {
  return outcome.ok ? { ...outcome, body: ownBody(outcome), lender: undefined } : outcome;
}

function statementsOf(body: SqlRequestBody): readonly SqlStatement[] {
  return body.kind === 'single' ? [body.statement] : body.statements;
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
