/**
 * "cached plan must not change result type": a named statement whose table changed. Other sessions share the statement,
 * so a caller could meet it who never prepared it; outside a transaction the segment is repeated with a fresh statement
 * and nobody sees anything, inside one the next try succeeds (reference/pooling.md §2.13).
 */
import { encodeSync, FrontendCode } from '@postern/wire';
import type { ByteBuffer } from './byte-buffer.ts';
import { createErrand } from './errand.ts';
import { errorField } from './error-message.ts';
import { Action, Expect } from './reply-queue.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import type { StatementRef } from './statement-ref.ts';
import { renewStatement, type Statement } from './statements.ts';

const routine = new TextEncoder().encode('RevalidateCachedQuery');
/** Statements remembered of a segment. */
const maxBound = 64;

export class PlanRetry {
  /** The segment is being repeated. */
  isReplaying = false;
  private readonly session: PooledSession;
  /** What the segment has used; the first `boundCount` count, as emptying an array costs a call into the runtime. */
  private bound: (Statement | undefined)[] | undefined;
  private boundCount = 0;
  private record: ByteBuffer | undefined;
  private isComplete = false;
  /** The caller waits for the answers to what is recorded. */
  private isFlushed = false;
  /** Answers of the recorded part already given to the caller. */
  private given = 0;
  /** The segment failed and will be repeated once its Sync is here. */
  isRetrying = false;
  private heldError: Uint8Array | undefined;
  private toSwallow = 0;
  /** The failed message is a Describe, whose ParameterDescription has already been given out. */
  private isDescribe = false;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** A Bind or Describe of a named statement is about to be sent. */
  uses(server: ServerConnection, statement: Statement): void {
    this.bound ??= [];
    if (this.boundCount < maxBound) this.bound[this.boundCount++] = statement;
    if (this.record !== undefined || this.isReplaying || server.status !== TransactionStatus.Idle) return;
    // What came before in the segment could not be repeated: portals of it would be missing.
    if (server.unsynced > 0 || this.session.inFlight > 0) return;
    this.record = this.session.context.spareBuffers.take();
    this.isComplete = false;
    this.isFlushed = false;
    this.given = 0;
  }

  /** Whether the segment could be repeated from here. */
  get isRecording(): boolean {
    return this.record !== undefined;
  }

  /** Something was done that cannot be repeated. */
  forget(): void {
    if (!this.isRetrying) this.drop();
  }

  /** A message of the caller's was sent; `end` is -1 when only a part of it was here. */
  sent(code: number, bytes: Uint8Array, at: number, end: number): void {
    const { record } = this;
    if (record === undefined || this.isReplaying) return;
    if (this.isComplete || end < 0 || record.length + end - at > this.session.context.limits.maxReplayBytes) {
      this.drop();
      this.surrender();
      return;
    }
    record.append(bytes, at, end);
    if (code === FrontendCode.Sync) this.isComplete = true;
    else if (code === FrontendCode.Query || code === FrontendCode.FunctionCall) this.drop();
    else if (code === FrontendCode.Flush) {
      this.isFlushed = true;
      if (this.isRetrying) this.endSegment();
    }
  }

  /** The segment is too large to keep: the caller gets the error. */
  private surrender(): void {
    if (!this.isRetrying || this.heldError === undefined) return;
    this.isRetrying = false;
    this.drop();
    this.session.give(this.heldError);
    this.heldError = undefined;
  }

  /** What becomes of the answer to the next message: those given before the repetition are not given again. */
  action(): Action {
    if (this.toSwallow > 0) {
      this.toSwallow--;
      return Action.Swallow;
    }
    const { isDescribe } = this;
    if (this.isReplaying) this.isDescribe = false;
    return isDescribe && this.isReplaying ? Action.ForwardTail : Action.Forward;
  }

  answered(kind: Expect): void {
    if (this.record === undefined || this.isReplaying) return;
    if (kind === Expect.Execute) this.drop();
    else this.given++;
  }

  /** True: the error is kept from the caller, the segment will be repeated. */
  recovers(kind: Expect, ref: StatementRef | undefined, bytes: Uint8Array, start: number, end: number): boolean {
    if (kind !== Expect.Bind && kind !== Expect.Execute && kind !== Expect.Describe) return false;
    if (this.bound === undefined || this.boundCount === 0 || !isStalePlan(bytes, start)) return false;
    for (const statement of new Set(this.bound)) if (statement !== undefined) renewStatement(statement);
    if (this.record === undefined || this.isReplaying || this.session.inFlight !== (this.isComplete ? 1 : 0))
      return false;
    this.isRetrying = true;
    this.heldError = bytes.slice(start, end);
    this.isDescribe = kind === Expect.Describe && ref?.kind !== 'verified' && ref?.kind !== 'checked';
    // Once the answers that the failure makes void are taken away.
    if (this.isFlushed && !this.isComplete) queueMicrotask(() => this.endSegment());
    return true;
  }

  /** A caller that asked for its answers by Flush sends no Sync before it has them: the failed segment ends by one of ours. */
  private endSegment(): void {
    const { session } = this;
    const { server } = session;
    if (server === undefined || session.isOver || !this.isRetrying || this.isComplete || !server.isSkipping) return;
    session.forwarder.awaited = this;
    server.isSkipping = false;
    server.send(encodeSync());
    const errand = createErrand({
      ready: () => {
        session.forwarder.awaited = undefined;
        if (!session.isOver && this.repeats()) session.errandDone();
      },
      lost: () => {},
    });
    server.expect(Expect.Sync, Action.Swallow, errand, undefined);
  }

  /** At the segment's ReadyForQuery. True: it is repeated now, and this ReadyForQuery is not the caller's. */
  repeats(): boolean {
    const { record } = this;
    this.forgetBound();
    this.isReplaying = this.isRetrying && record !== undefined;
    this.toSwallow = this.isReplaying ? this.given : 0;
    if (!this.isRetrying || record === undefined) {
      this.drop();
      return false;
    }
    this.isRetrying = false;
    this.heldError = undefined;
    this.record = undefined;
    this.session.input.unread(record);
    this.session.context.spareBuffers.give(record);
    return true;
  }

  /** The segment was taken back before it was answered: it will be read again as if for the first time. */
  takenBack(): void {
    this.forgetBound();
    this.drop();
  }

  private forgetBound(): void {
    while (this.boundCount > 0) this.bound![--this.boundCount] = undefined;
  }

  /** The segment can no longer be repeated, or need not be. */
  private drop(): void {
    const { record } = this;
    if (record === undefined) return;
    this.record = undefined;
    this.session.context.spareBuffers.give(record);
  }
}

function isStalePlan(bytes: Uint8Array, start: number): boolean {
  const code = errorField(bytes, start, 0x43);
  const at = errorField(bytes, start, 0x52);
  if (code === undefined || at === undefined || at.end - at.start !== routine.length) return false;
  for (let i = 0; i < routine.length; i++) if (bytes[at.start + i] !== routine[i]) return false;
  return bytes[code.start] === 0x30 && bytes[code.start + 1] === 0x41;
}
