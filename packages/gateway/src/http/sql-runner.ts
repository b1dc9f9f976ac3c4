// One `/sql` request from its headers to its answer: who it is, what it runs, on which session. Knows no response.

import { GatewayError, parseSqlRequestBody, type SqlRequestBody, type SqlStatement } from '@postern/contract';
import type { Clock } from '@postern/pool';
import type { CacheReport, SqlCache } from '../cache/sql-cache.ts';
import { credentialsOf } from './caller-check.ts';
import { errorReply } from './error-reply.ts';
import type { TransactionTurn } from './interactive-transaction.ts';
import { createJsonMemory } from './json-memory.ts';
import { createKeptSessions, type OpenSession } from './kept-sessions.ts';
import { createRepeatedTexts } from './repeated-texts.ts';
import { callerGone } from './request-errors.ts';
import { createSegmentWriter } from './segment-writer.ts';
import { connectOwnSession, type SessionPort, type SessionStatements } from './session-port.ts';
import type { AuthenticatedCaller, SqlBackend } from './sql-backend.ts';
import { type SqlConversation, type SqlOutcome, type SqlSegment, startSqlConversation } from './sql-conversation.ts';
import type { SqlHttpRequest } from './sql-handler.ts';
import type { SqlHeading } from './sql-heading.ts';
import { segmentCommands, writeNamedSegment, writeSegment } from './sql-segments.ts';
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

/** What is known of a request when its answer is written, even if that is an error. */
export interface SqlRun {
  body?: SqlRequestBody;
  /** The request reached its transaction. The token is a secret. */
  transaction?: { readonly token: string; readonly turn: TransactionTurn };
  /** The request asked something of the cache. */
  cache?: CacheReport;
}

export type SqlAnswer =
  | ({ readonly kind: 'whole' } & SqlOutcome)
  | ({ readonly kind: 'streamed' } & Extract<SqlStreamStart, { ok: true }>);

/** Notes in `run` what it finds out; throws what went wrong before anything ran. */
export type RunSql = (request: SqlHttpRequest, heading: SqlHeading, run: SqlRun) => Promise<SqlAnswer>;

export function createSqlRunner<Caller extends AuthenticatedCaller>(options: SqlRunnerOptions<Caller>): RunSql {
  const { backend, transactions, clock, maxRequestBytes, maxResponseBytes, maxRowBytes, stallTimeoutMs, cache } =
    options;
  const catalogues = createTypeCatalogues();
  const segmentWriter = createSegmentWriter();
  const memory = createJsonMemory();
  const keptSessions = createKeptSessions({ clock, namePrefix: `${crypto.randomUUID().slice(0, 8)}_` });
  const repeatedTexts = createRepeatedTexts();

  return async function runSql(request, heading, run) {
    const authenticated = backend.authenticate(credentialsOf(heading, request.remoteAddress));
    const caller = isHere(authenticated) ? authenticated : await authenticated;
    // Not before: what strangers send is neither gathered nor parsed.
    const received = request.readBody(maxRequestBytes);
    const body = parseBody(isHere(received) ? received : await received);
    run.body = body;
    if (request.isAborted) throw callerGone();
    const { batch, isRaw, isArrayMode, extensions } = heading;
    const statements = body.kind === 'single' ? [body.statement] : body.statements;
    if (extensions.isStream && body.kind !== 'single') {
      throw new GatewayError('invalid_body', 'only a single statement ("query") can be streamed');
    }
    if (statements.length === 0 && extensions.transaction === undefined) return emptyBatch;
    const open: OpenSession = (stream) =>
      backend.openSession(caller, stream, {
        startupParameters: heading.startupParameters,
        options: heading.options,
      });
    if (extensions.transaction !== undefined) {
      run.transaction = await takeTurn(extensions.transaction, caller, open, request);
    }
    const commands = segmentCommands(body, batch, extensions.transaction);
    const isNothing = statements.length === 0 && commands.before === undefined && commands.after === undefined;
    if (request.isAborted || isNothing) {
      run.transaction?.turn.skip();
      if (request.isAborted) throw callerGone();
      return emptyBatch;
    }
    const cached =
      extensions.isStream || run.transaction !== undefined
        ? undefined
        : cache?.turn((name) => request.header(name), { callerKey: caller.callerKey, heading, body });
    const connect =
      run.transaction?.turn.connect ??
      keptSessions.connect({ callerKey: caller.callerKey, settings: heading.startupParameters }, open);
    const plainSegment = (): SqlSegment => ({
      bytes: writeSegment(segmentWriter, statements, commands),
      isNamed: false,
    });
    const start = (segmentFor: (session: SessionPort) => SqlSegment): SqlConversation =>
      startSqlConversation({
        ...{ body, commands, connect, segmentFor, isRaw, isArrayMode, maxResponseBytes, memory },
        catalogue: catalogues.of(caller.databaseKey),
      });
    const converse = (onAbort: (abort: () => void) => void): Promise<SqlOutcome> => {
      // In a transaction a statement whose name fails takes the transaction with it.
      const statement = body.kind === 'single' && run.transaction === undefined ? body.statement : undefined;
      let conversation: SqlConversation;
      if (statement === undefined || !mayBeNamed(statement)) conversation = start(plainSegment);
      else {
        conversation = start(({ statements: known }) => namedSegment(statement, known) ?? plainSegment());
      }
      onAbort(() => conversation.abort());
      return statement === undefined
        ? conversation.outcome
        : conversation.outcome.then((outcome) => {
            if (outcome.ok) repeatedTexts.add(statement.query);
            if (outcome.ok || outcome.isUnbound !== true) return outcome;
            conversation = start(plainSegment);
            return conversation.outcome;
          });
    };
    if (cached !== undefined) {
      // What others wait for too goes on when this caller leaves.
      const onAbort = cached.isShared ? () => {} : (abort: () => void) => request.onAbort(abort);
      const outcome = await cached.answer(
        () => converse(onAbort),
        (report) => {
          run.cache = report;
        },
      );
      return { kind: 'whole', ...outcome };
    }
    if (extensions.isStream) {
      const segment = writeSegment(segmentWriter, statements, commands);
      const stream = startSqlStream({
        ...{ segment, commands, maxRowBytes, clock, stallTimeoutMs },
        connect: run.transaction?.turn.connect ?? connectOwnSession(open),
        errorBody: (error) => errorReply(error).body,
        transactionState: () => run.transaction?.turn.state,
      });
      request.onAbort(stream.abort);
      const start = await stream.start;
      return start.ok
        ? { kind: 'streamed', ...start }
        : { kind: 'whole', ok: false, error: start.error, statementIndex: undefined };
    }
    return { kind: 'whole', ...(await converse((abort) => request.onAbort(abort))) };
  };

  function mayBeNamed({ query, params }: SqlStatement): boolean {
    if (!repeatedTexts.has(query)) return false;
    let length = 0;
    for (const param of params) length += param?.length ?? 0;
    return length <= maxNamedParameterLength;
  }

  function namedSegment(statement: SqlStatement, known: SessionStatements | undefined): SqlSegment | undefined {
    const name = known?.get(statement.query);
    const newName = name === undefined ? known?.add(statement.query) : undefined;
    const chosen = name ?? newName;
    if (chosen === undefined) return undefined;
    return { bytes: writeNamedSegment(segmentWriter, statement, chosen, name === undefined), isNamed: true };
  }

  async function takeTurn(
    transaction: NonNullable<SqlHeading['extensions']['transaction']>,
    { callerKey }: Caller,
    open: Parameters<SqlTransactions['begin']>[0]['open'],
    request: SqlHttpRequest,
  ): Promise<NonNullable<SqlRun['transaction']>> {
    if (transaction.kind === 'begin') {
      return transactions.begin({ callerKey, timeoutMs: transaction.timeoutMs, open });
    }
    const { token } = transaction;
    const turn = await transactions.enter(token, callerKey, (listener) => request.onAbort(listener));
    return { token, turn };
  }
}

/** The engine repeats segments of named statements whose plan went stale, as long as they are not too large. */
const maxNamedParameterLength = 10_000;

const decoder = new TextDecoder('utf-8', { fatal: true });
const emptyBatch: SqlAnswer = { kind: 'whole', ok: true, body: new TextEncoder().encode('{"results":[]}') };

function isHere<T extends object>(value: T | Promise<T>): value is T {
  return !(value instanceof Promise);
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
