// One request played on one session: send the segment, turn the reply into the response body, byte for byte as it
// arrives. Knows nothing of HTTP.

import { GatewayError, type SqlRequestBody, type SqlStatement } from '@postern/contract';
import {
  BackendCode,
  concatBytes,
  databaseErrorFrom,
  decodeCommandComplete,
  decodeDataRow,
  ProtocolError,
} from '@postern/wire';
import { copyUnsupported } from './copy-statement.ts';
import { createRecordedResults, type RecordedResults } from './recorded-results.ts';
import { callerGone, responseTooLarge, sessionEnded } from './request-errors.ts';
import type { ResultDescription, ResultFormat } from './result-description.ts';
import type { SessionListener, SessionPort } from './session-port.ts';
import type { BenchUser, SqlBench, SqlBenches } from './sql-bench.ts';
import type { SqlOutcome } from './sql-outcome.ts';
import { encodeRollback, type SegmentCommands } from './sql-segments.ts';
import { fateOf, type TransactionFate, withFate } from './transaction-fate.ts';
import { type ArrayType, decodeArrayType, encodeTypeLookup } from './type-catalogue.ts';

export interface SqlConversationOptions {
  readonly body: SqlRequestBody;
  readonly commands: SegmentCommands;
  /** How values are written. */
  readonly format: ResultFormat;
  /** Row shape of statements that do not say. */
  readonly isArrayMode: boolean;
  readonly maxResponseBytes: number;
  readonly benches: SqlBenches;
}

/** Whose conversation it is. */
export interface ConversationOwner {
  /** Takes the session; called once, at the start. */
  connect(listener: SessionListener): SessionPort;
  /** What to send: the body's statements and the commands around them, as this session needs them. */
  segmentFor(session: SessionPort): SqlSegment;
  /** Once, perhaps before the conversation's `start` returns. The body of the outcome is borrowed if it says so. */
  ended(outcome: SqlOutcome): void;
}

export interface SqlSegment {
  /** Borrowed: sent at once. */
  readonly bytes: Uint8Array;
  /** The one statement goes by a name. */
  readonly isNamed: boolean;
}

export interface SqlConversation {
  start(): void;
  /** Gives up: what runs is cancelled and rolled back. `reason`: of a caller that is still there. */
  abort(reason?: GatewayError): void;
}

/** Where the conversation is; each phase ends with a ReadyForQuery. */
type Phase =
  | { readonly name: 'running' }
  /** The transaction that was to end with the request has failed, and is being ended. */
  | { readonly name: 'rolling back' }
  /** All results are recorded; the types in them are being looked up. */
  | { readonly name: 'looking up'; readonly arrays: ArrayType[] }
  /** The look-up failed: what is not known is written as strings, and not remembered. */
  | { readonly name: 'look-up failed' }
  | { readonly name: 'over' };

const noTransaction = 0x49; // I
const failedTransaction = 0x45; // E
const running: Phase = { name: 'running' };
const over: Phase = { name: 'over' };

export function createSqlConversation(options: SqlConversationOptions, owner: ConversationOwner): SqlConversation {
  return new Conversation(options, owner);
}

interface Failure {
  readonly error: unknown;
  readonly statementIndex: number | undefined;
}

// A class, so that small requests do not pay for a closure per function.
class Conversation implements SqlConversation, SessionListener, BenchUser {
  private readonly options: SqlConversationOptions;
  private readonly owner: ConversationOwner;
  private readonly isBatch: boolean;
  private readonly statements: readonly SqlStatement[];
  /** From the first answer on: what writes results, and is there while answers are read. */
  private bench: SqlBench | undefined;
  private port: SessionPort | undefined;
  /** Of the ReadyForQuery behind everything that was sent. */
  private ready: number | undefined;
  private phase: Phase = running;
  private recording: RecordedResults | undefined;
  /** Commands completed: BEGIN, statements, COMMIT. */
  private completed = 0;
  /** Index of the latest statement whose result has begun. */
  private begun = -1;
  private failure: Failure | undefined;
  /** Postgres undid what the statements did. */
  private isUndone = false;
  /** What came behind a failure of ours. */
  private unwantedBytes = 0;
  private isNamed = false;
  private isBound = false;

  constructor(options: SqlConversationOptions, owner: ConversationOwner) {
    const { body } = options;
    this.options = options;
    this.owner = owner;
    this.isBatch = body.kind === 'batch';
    this.statements = body.kind === 'single' ? [body.statement] : body.statements;
  }

  start(): void {
    try {
      this.port = this.owner.connect(this);
      // It may have ended within the call.
      if (this.phase === over) {
        this.port.leave(undefined);
        return;
      }
      const { bytes, isNamed } = this.owner.segmentFor(this.port);
      this.isNamed = isNamed;
      this.send(bytes);
    } catch (error) {
      this.finishWith(error);
    }
  }

  abort(reason: GatewayError = callerGone()): void {
    this.fail(reason);
    this.finishWith(undefined);
  }

  onEnded(error: Error | undefined): void {
    this.finishWith(error ?? sessionEnded());
  }

  onBytes(bytes: Uint8Array): void {
    if (this.phase === over) return;
    const { benches, maxResponseBytes } = this.options;
    if (this.failure !== undefined && this.isTooMuch(bytes.length)) {
      this.finishWith(undefined);
      return;
    }
    this.bench ??= benches.take(this);
    try {
      this.bench.reader.push(bytes);
    } catch (error) {
      // Its reader has failed for good.
      this.bench = undefined;
      // Cannot go on: the result does not fit, or the bytes make no sense. Hanging up cancels what still runs.
      const isTooLong = error instanceof ProtocolError && error.code === '54000';
      // What makes no sense is not believed, nor is a session with it worth keeping.
      if (error instanceof ProtocolError) this.ready = undefined;
      this.fail(isTooLong ? responseTooLarge(maxResponseBytes) : error);
      this.finishWith(undefined);
    }
    if (this.phase !== over || this.bench === undefined) return;
    benches.give(this.bench);
    this.bench = undefined;
  }

  private finish(outcome: SqlOutcome): void {
    if (this.phase === over) return;
    this.phase = over;
    this.port?.leave(this.ready, !outcome.ok);
    this.owner.ended(outcome);
  }

  /** The first error is the answer; what follows from it is not. */
  private finishWith(error: unknown): void {
    if (this.phase === over) return;
    const isUnbound = this.isNamed && !this.isBound && this.ready !== undefined;
    const { failure = { error, statementIndex: undefined } } = this;
    const told = withFate(failure.error, this.fate());
    this.finish({ kind: 'whole', ok: false, ...failure, error: told, isUnbound });
  }

  private fate(): TransactionFate {
    const { isUndone } = this;
    const { isCommitting } = this.options.commands;
    // The statements were all answered before types are looked up.
    const ready = this.phase === running ? this.ready : noTransaction;
    return fateOf({ isCommitting, isUndone, isOurFailure: this.failure !== undefined, ready });
  }

  /** Behind a failure of ours Postgres goes on, and is only told to stop when it does not come to an end. */
  private isTooMuch(bytes: number): boolean {
    this.unwantedBytes += bytes;
    return !this.isUndone && this.unwantedBytes > this.options.maxResponseBytes;
  }

  /** Index of the statement whose reply is arriving; outside the list for BEGIN and COMMIT. */
  private get current(): number {
    return this.options.commands.before === undefined ? this.completed : this.completed - 1;
  }

  onMessage(code: number, message: Uint8Array): void {
    switch (code) {
      case BackendCode.RowDescription:
      case BackendCode.CommandComplete:
      case BackendCode.EmptyQueryResponse:
        if (this.phase === running) this.onResult(code, message);
        break;
      case BackendCode.ErrorResponse:
        if (this.phase === running) {
          this.isUndone = true;
          this.fail(databaseErrorFrom(message));
        } else if (this.phase.name === 'looking up') this.phase = { name: 'look-up failed' };
        break;
      case BackendCode.ReadyForQuery:
        this.onReady(message[0]!);
        break;
      case BackendCode.BindComplete:
        this.isBound = true;
        break;
      case BackendCode.CopyInResponse:
      case BackendCode.CopyBothResponse:
        // Waits for the caller's data, and fails without.
        this.isUndone = true;
        this.fail(copyUnsupported());
        this.finishWith(undefined);
        break;
      case BackendCode.CopyOutResponse:
        this.failOfOurs(copyUnsupported());
        break;
      default:
        // ParseComplete, NoData: nothing to say. Notices, notifications, parameters: nobody to tell.
        break;
    }
  }

  onDataRow(bytes: Uint8Array, start: number, end: number): void {
    const { phase } = this;
    if (phase.name === 'looking up') phase.arrays.push(decodeArrayType(decodeDataRow(bytes.subarray(start, end))));
    if (phase !== running || this.failure !== undefined) return;
    const index = this.current;
    if (index < 0 || index >= this.statements.length) return;
    try {
      if (this.recording !== undefined) this.recording.add(BackendCode.DataRow, bytes.subarray(start, end));
      else {
        this.beginResult(index);
        this.bench!.results.dataRow(bytes, start, end);
      }
    } catch (error) {
      this.failOfOurs(error);
    }
  }

  private onResult(code: number, message: Uint8Array): void {
    const index = this.current;
    if (this.failure === undefined && index >= 0 && index < this.statements.length) {
      try {
        const description = code === BackendCode.RowDescription ? this.describe(index, message) : undefined;
        if (description !== undefined) this.noteUnknownTypes(description);
        if (this.recording === undefined) this.writeResult(index, code, message, description);
        else this.recording.add(code, message);
      } catch (error) {
        this.failOfOurs(error);
      }
    }
    if (!isEnd(code)) return;
    if (index === this.statements.length && code === BackendCode.CommandComplete) this.checkCommit(message);
    this.completed++;
  }

  /** From the first result on that has a type only the database knows, all are recorded. */
  private noteUnknownTypes({ unknownTypes }: ResultDescription): void {
    if (unknownTypes.length === 0) return;
    this.recording ??= createRecordedResults(this.options.maxResponseBytes);
    for (const typeOid of unknownTypes) this.recording.unknownTypes.add(typeOid);
  }

  /** Postgres takes COMMIT of a failed transaction for ROLLBACK, without an error. */
  private checkCommit(message: Uint8Array): void {
    if (this.options.commands.after !== 'COMMIT' || decodeCommandComplete(message) === 'COMMIT') return;
    this.isUndone = true;
    this.fail(new GatewayError('transaction_failed', 'the transaction had failed, so Postgres rolled it back'));
  }

  private beginResult(index: number): void {
    if (this.begun >= index) return;
    this.begun = index;
    const { writer, results } = this.bench!;
    if (this.isBatch) writer.raw(index === 0 ? batchStart : comma);
    results.begin(this.isArrayMode(index));
  }

  private isArrayMode(index: number): boolean {
    return this.statements[index]!.arrayMode ?? this.options.isArrayMode;
  }

  private describe(index: number, rowDescription: Uint8Array): ResultDescription {
    return this.bench!.describe(rowDescription, this.options.format, this.isArrayMode(index));
  }

  /** `description`: of a RowDescription that has been described already. */
  private writeResult(index: number, code: number, message: Uint8Array, description?: ResultDescription): void {
    const { results } = this.bench!;
    this.beginResult(index);
    if (code === BackendCode.DataRow) results.dataRow(message, 0, message.length);
    else if (code === BackendCode.RowDescription) results.rowDescription(description ?? this.describe(index, message));
    else if (code === BackendCode.CommandComplete) results.complete(message);
    else results.completeEmpty();
  }

  private fail(error: unknown): void {
    const index = this.current;
    const isStatement = this.isBatch && index >= 0 && index < this.statements.length;
    this.failure ??= { error, statementIndex: isStatement ? index : undefined };
  }

  /**
   * Cannot be answered, though Postgres sees nothing wrong. What would be committed meanwhile is waited for; else hanging
   * up cancels what still runs.
   */
  private failOfOurs(error: unknown): void {
    if (!(error instanceof GatewayError)) throw error;
    this.fail(error);
    if (!this.options.commands.isCommitting) this.finishWith(undefined);
  }

  private send(bytes: Uint8Array): void {
    this.ready = undefined;
    this.port?.send(bytes);
  }

  private onReady(status: number): void {
    const { phase, recording } = this;
    this.ready = status;
    if (phase.name === 'looking up' || phase.name === 'look-up failed') {
      if (phase.name === 'looking up') this.options.format.catalogue.learn(recording!.unknownTypes, phase.arrays);
      this.replay(recording!);
    } else if (this.failure !== undefined && this.mustEnd(status)) {
      this.phase = { name: 'rolling back' };
      this.send(encodeRollback());
    } else if (this.failure !== undefined) {
      this.finishWith(undefined);
    } else {
      this.checkCompleteness();
      if (recording === undefined) {
        this.succeed();
      } else {
        this.phase = { name: 'looking up', arrays: [] };
        this.send(concatBytes(encodeTypeLookup(recording.unknownTypes)));
      }
    }
  }

  /** The request was to end its transaction; the failure kept it from doing so. */
  private mustEnd(status: number): boolean {
    return status === failedTransaction && this.options.commands.after !== undefined && this.phase === running;
  }

  private checkCompleteness(): void {
    const { before, after } = this.options.commands;
    const expected = this.statements.length + (before === undefined ? 0 : 1) + (after === undefined ? 0 : 1);
    if (this.completed !== expected) {
      throw new ProtocolError(`ReadyForQuery after ${this.completed} of ${expected} statements`);
    }
  }

  private replay({ messages }: RecordedResults): void {
    let index = this.begun + 1;
    for (const { code, body } of messages) {
      this.writeResult(index, code, body);
      if (isEnd(code)) index++;
    }
    this.succeed();
  }

  private succeed(): void {
    const { writer } = this.bench!;
    if (this.isBatch) {
      if (this.begun < 0) writer.raw(batchStart);
      writer.raw(batchEnd);
    }
    this.finish({ kind: 'whole', ok: true, body: writer.written(), lender: writer });
  }
}

function isEnd(code: number): boolean {
  return code === BackendCode.CommandComplete || code === BackendCode.EmptyQueryResponse;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const batchStart = ascii('{"results":[');
const batchEnd = ascii(']}');
const comma = ascii(',');
