// Plays what a request says on a session: that of its transaction, or one of its caller's that serves one request after
// another. A text that comes again goes by a name; once more without, where Postgres refuses it because of the name.

import type { GatewayError, SqlRequestBody, SqlStatement } from '@postern/contract';
import type { ByteStream } from '@postern/pool';
import { DatabaseError } from '@postern/wire';
import type { TransactionTurn } from './interactive-transaction.ts';
import type { KeptSessions, SessionOwner } from './kept-sessions.ts';
import type { RepeatedTexts } from './repeated-texts.ts';
import type { ResultFormat } from './result-description.ts';
import type { SegmentWriter } from './segment-writer.ts';
import type { SessionListener, SessionPort, SessionStatements } from './session-port.ts';
import type { AuthenticatedCaller, SqlBackend, SqlSession } from './sql-backend.ts';
import type { SqlBenches } from './sql-bench.ts';
import {
  type ConversationOwner,
  createSqlConversation,
  type SqlConversation,
  type SqlConversationOptions,
  type SqlSegment,
} from './sql-conversation.ts';
import type { SqlHeading } from './sql-heading.ts';
import type { SqlOutcome } from './sql-outcome.ts';
import { type SegmentCommands, segmentCommands, writeNamedSegment, writeSegment } from './sql-segments.ts';
import type { TypeCatalogue, TypeCatalogues } from './type-catalogue.ts';

/** What attempts share. */
export interface SqlAttemptContext<Caller extends AuthenticatedCaller> {
  readonly backend: SqlBackend<Caller>;
  readonly keptSessions: KeptSessions;
  readonly repeatedTexts: RepeatedTexts;
  readonly segmentWriter: SegmentWriter;
  readonly benches: SqlBenches;
  readonly catalogues: TypeCatalogues;
  readonly maxResponseBytes: number;
}

export interface SqlAttemptSubject<Caller> {
  readonly caller: Caller;
  readonly heading: SqlHeading;
  readonly body: SqlRequestBody;
  /** Of the interactive transaction it belongs to. */
  readonly turn: TransactionTurn | undefined;
}

/** Who gets the outcome, once. */
export interface OutcomeTaker {
  answered(outcome: SqlOutcome): void;
}

/** Who may leave before it. */
export interface Leaver {
  onAbort(listener: (reason?: GatewayError) => void): void;
}

/** The engine repeats segments of named statements whose plan went stale, as long as they are not too large. */
const maxNamedParameterLength = 10_000;

// A class that is what the parts below it ask for, so that small requests do not pay for closures.
export class SqlAttempt<Caller extends AuthenticatedCaller>
  implements ConversationOwner, SessionOwner, ResultFormat, SqlConversationOptions
{
  readonly body: SqlRequestBody;
  readonly commands: SegmentCommands;
  readonly isRaw: boolean;
  readonly catalogue: TypeCatalogue;
  private readonly context: SqlAttemptContext<Caller>;
  private readonly caller: Caller;
  private readonly heading: SqlHeading;
  private readonly turn: TransactionTurn | undefined;
  private readonly taker: OutcomeTaker;
  private conversation: SqlConversation | undefined;
  private mayBeNamed: boolean;

  constructor(context: SqlAttemptContext<Caller>, subject: SqlAttemptSubject<Caller>, taker: OutcomeTaker) {
    const { caller, heading, body, turn } = subject;
    this.context = context;
    this.caller = caller;
    this.heading = heading;
    this.body = body;
    this.turn = turn;
    this.taker = taker;
    this.isRaw = heading.isRaw;
    this.catalogue = context.catalogues.of(caller.databaseKey);
    this.commands = segmentCommands(body, heading.batch, heading.extensions.transaction);
    this.mayBeNamed = turn === undefined && body.kind === 'single' && this.isWorthName(body.statement);
  }

  /** Once. `leaver`: whose leaving gives it up; undefined: nobody's. */
  start(leaver: Leaver | undefined): void {
    this.converse();
    leaver?.onAbort((reason) => this.conversation?.abort(reason));
  }

  private converse(): void {
    const conversation = createSqlConversation(this, this);
    this.conversation = conversation;
    conversation.start();
  }

  private isWorthName({ query, params }: SqlStatement): boolean {
    if (!this.context.repeatedTexts.has(query)) return false;
    let length = 0;
    for (const param of params) length += param?.length ?? 0;
    return length <= maxNamedParameterLength;
  }

  // --- ConversationOwner ---

  connect(listener: SessionListener): SessionPort {
    return this.turn === undefined ? this.context.keptSessions.lend(this, listener) : this.turn.connect(listener);
  }

  segmentFor({ statements: known }: SessionPort): SqlSegment {
    const { body, commands } = this;
    const { segmentWriter } = this.context;
    if (this.mayBeNamed && known !== undefined && body.kind === 'single') {
      const named = namedSegment(segmentWriter, body.statement, known);
      if (named !== undefined) return named;
    }
    const statements = body.kind === 'single' ? [body.statement] : body.statements;
    return { bytes: writeSegment(segmentWriter, statements, commands), isNamed: false };
  }

  ended(outcome: SqlOutcome): void {
    const { body, turn, context } = this;
    if (outcome.ok && turn === undefined && body.kind === 'single') context.repeatedTexts.add(body.statement.query);
    if (outcome.ok || outcome.isUnbound !== true || !this.mayBeNamed || hasWaited(outcome.error)) {
      this.taker.answered(outcome);
      return;
    }
    this.mayBeNamed = false;
    this.converse();
  }

  // --- SqlConversationOptions ---

  get format(): ResultFormat {
    return this;
  }

  get isArrayMode(): boolean {
    return this.heading.isArrayMode;
  }

  get maxResponseBytes(): number {
    return this.context.maxResponseBytes;
  }

  get benches(): SqlBenches {
    return this.context.benches;
  }

  // --- SessionOwner ---

  get callerKey(): string {
    return this.caller.callerKey;
  }

  get settings(): object {
    return this.heading.startupParameters;
  }

  openSession(stream: ByteStream): SqlSession | undefined {
    const { startupParameters, options } = this.heading;
    return this.context.backend.openSession(this.caller, stream, { startupParameters, options });
  }
}

/**
 * For a connection, a lock, or until its time was over: not because of the name, and once is enough. 08P01 is Postgres' word
 * for a wrong number of parameters, and names the statement.
 */
function hasWaited(error: unknown): boolean {
  return error instanceof DatabaseError && /^(08(?!P01)|53|55|57)/.test(error.code);
}

function namedSegment(
  writer: SegmentWriter,
  statement: SqlStatement,
  known: SessionStatements,
): SqlSegment | undefined {
  const name = known.get(statement.query);
  const chosen = name ?? known.add(statement.query);
  if (chosen === undefined) return undefined;
  return { bytes: writeNamedSegment(writer, statement, chosen, name === undefined), isNamed: true };
}
