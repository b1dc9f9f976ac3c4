/**
 * What becomes of each message of a pooled session on its way to Postgres, segment by segment: every message that will be
 * answered is expected, and the answers are told here what they mean. Rules: reference/pooling.md §2.1, §2.7.
 */
import { encodeFlush, encodeQuery, FrontendCode } from '@postern/wire';
import type { SyntheticReply } from './answers.ts';
import { indexOfZero } from './byte-buffer.ts';
import { restoreBaselineSql } from './label.ts';
import { PlanRetry } from './plan-retry.ts';
import { Action, Expect } from './reply-queue.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { isSqlEffects, type SqlEffects, SqlPrepared } from './sql-prepared.ts';
import { StatementForwarder } from './statement-forwarding.ts';
import { countedRef, type StatementRef } from './statement-ref.ts';
import type { TextFacts } from './text-facts.ts';

/** A Query of ours in place of the caller's: `completion` is what the caller is told instead of its results. */
interface Substitution {
  readonly kind: 'substitution';
  readonly completion: Uint8Array | undefined;
  apply(): void;
  hasFailed: boolean;
}

const flush: Uint8Array = encodeFlush();
/** What a caller may send inside a COPY FROM STDIN. */
const copyCodes: ReadonlySet<number> = new Set([
  FrontendCode.CopyData,
  FrontendCode.CopyDone,
  FrontendCode.CopyFail,
  FrontendCode.Flush,
  FrontendCode.Sync,
  FrontendCode.Terminate,
]);

/** What the messages are answered with that have no place inside a copy. */
const expectations = {
  [FrontendCode.Parse]: Expect.Parse,
  [FrontendCode.Bind]: Expect.Bind,
  [FrontendCode.Describe]: Expect.Describe,
  [FrontendCode.Close]: Expect.Close,
  [FrontendCode.Execute]: Expect.Execute,
  [FrontendCode.Query]: Expect.Query,
  [FrontendCode.FunctionCall]: Expect.FunctionCall,
} as const;

export class Forwarder {
  readonly statementForwarder: StatementForwarder;
  private readonly session: PooledSession;
  readonly sqlPrepared: SqlPrepared;
  readonly planRetry: PlanRetry;
  /** What the texts of the open segment set back to defaults: the start-up values come back behind it. */
  private readonly reset = new Set<string>();
  /** They are one statement, which does nothing else. */
  private isOneReset = false;
  /** A portal bound in this segment may be a COPY from the caller. */
  private mayCopyIn = false;
  /** The segment that the last Parse of ours went into, of those the session has sent. */
  injectedIn = -1;
  /** What follows cannot be read before an answer is in: whether a copy begins, or what PREPARE came to. */
  awaited: object | undefined;

  constructor(session: PooledSession) {
    this.session = session;
    this.statementForwarder = new StatementForwarder(session, this);
    this.sqlPrepared = new SqlPrepared(session, this);
    this.planRetry = new PlanRetry(session);
  }

  /** Sends the message at `bytes[at..end)`, of which bytes up to `available` are here. Bytes used; 0 = more are needed. */
  forward(
    server: ServerConnection,
    code: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    available: number,
  ): number {
    if (server.unsynced === 0) this.session.riding.segmentBegins();
    if (server.isCopyingIn && !copyCodes.has(code)) return this.breakCopy(server, code, bytes, at, end, available);
    if (code === FrontendCode.Bind) return this.statementForwarder.bind(server, bytes, at, end, available);
    if (code === FrontendCode.CopyData) return this.statementForwarder.sendRest(server, bytes, at, at, end, available);
    if (end > available) return 0;
    switch (code) {
      case FrontendCode.Parse:
        if (!this.statementForwarder.parse(server, bytes, at, end)) return 0;
        break;
      case FrontendCode.Execute:
        server.send(bytes, at, end);
        this.execute(server, bytes, at);
        break;
      case FrontendCode.Sync:
        this.sync(server, bytes, at, end);
        break;
      case FrontendCode.Describe:
        if (!this.statementForwarder.describe(server, bytes, at, end)) return 0;
        break;
      case FrontendCode.Query:
        if (!this.query(server, bytes, at, end)) return 0;
        break;
      case FrontendCode.Close:
        this.statementForwarder.close(server, bytes, at, end);
        break;
      case FrontendCode.Flush:
        if (server.isCopyingIn) break;
        server.send(bytes, at, end);
        server.unsynced++;
        break;
      case FrontendCode.CopyDone:
      case FrontendCode.CopyFail:
        server.send(bytes, at, end);
        // Whatever Postgres still reads of the copy, a Sync behind this one is answered.
        if (server.isCopyingIn && server.syncsInCopy > 0) this.awaitAnswer(server, server.owed.ref as object);
        server.isCopyingIn = false;
        if (server.owed.length > 0) server.expect(Expect.CopyEnd, Action.Swallow, this.session, undefined);
        break;
      case FrontendCode.FunctionCall:
        server.send(bytes, at, end);
        this.session.state.touchAll(server);
        server.expect(Expect.FunctionCall, Action.Forward, this.session, undefined);
        this.session.segmentSent();
        break;
      default: // Terminate
        this.session.close();
    }
    this.planRetry.sent(code, bytes, at, end);
    return end - at;
  }

  /**
   * Inside a copy Postgres takes nothing else: it has failed and this is skipped, or this fails it and ends the connection.
   * Sent as it is, because the error says what came.
   */
  private breakCopy(
    server: ServerConnection,
    code: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    available: number,
  ): number {
    if (end > available && end - at <= this.session.context.limits.maxMessageBytes) return 0;
    const limit = Math.min(end, available);
    // A Sync behind it is answered.
    server.isCopyingIn = false;
    this.statementForwarder.sendMalformed(server, expectations[code as keyof typeof expectations], bytes, at, limit);
    if (limit < end) this.session.input.streamRest(server, end - limit);
    else if (code === FrontendCode.Query || code === FrontendCode.FunctionCall) this.session.segmentSent();
    return limit - at;
  }

  // --- segments ---

  private sync(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    server.send(bytes, at, end);
    if (server.isCopyingIn) {
      // No answer, unless the copy has failed (syncs-in-copy.ts).
      server.syncsInCopy++;
      return;
    }
    server.isSkipping = false;
    this.mayCopyIn = false;
    this.expectEnd(server, Expect.Sync, undefined);
  }

  /** False: it must wait. */
  private query(server: ServerConnection, bytes: Uint8Array, at: number, end: number): boolean {
    const { session } = this;
    const { texts } = session.pool;
    const sqlEnd = indexOfZero(bytes, at + 5);
    const facts = sqlEnd === end - 1 ? texts.facts(bytes, at + 5, sqlEnd) : undefined;
    if (facts !== undefined && this.mustWait(server, facts)) return false;
    // Postgres can be left in a state it does not expect itself (XX000 for whatever comes next): not for others.
    if (server.unsynced > 0) {
      server.isSuspect = true;
      this.statementForwarder.unnamed.droppedByQuery(server);
    }
    if (facts === undefined) {
      this.statementForwarder.sendMalformed(server, Expect.Query, bytes, at, end);
      this.session.segmentSent();
      return true;
    }
    const { traits } = facts;
    this.statementForwarder.supply.bringBefore(server, facts);
    if (traits.prepared.length > 0 || traits.discardsAll || traits.deallocatesAll) {
      this.sqlPrepared.query(server, texts.intern(bytes, at + 5, end, sqlEnd));
      return true;
    }
    session.state.touch(server, facts);
    server.send(bytes, at, end);
    this.querySent(server, facts, undefined);
    return true;
  }

  /** Should an errand fail that is ahead of it, `text` would not be refused as everything else is (Label.resetQuery). */
  mustWait(server: ServerConnection, text: TextFacts | undefined): boolean {
    return text?.traits.endsTransaction === true && server.isOnErrandFor(this.session);
  }

  /**
   * An earlier segment that is not answered has a Parse of ours in it: where something fails ahead of that, the connection
   * does not get the statement.
   */
  get isInjectionOpen(): boolean {
    const { segmentsSent, inFlight } = this.session;
    return this.injectedIn < segmentsSent && this.injectedIn >= segmentsSent - inFlight;
  }

  /** A portal of this text was bound. */
  bound(text: TextFacts): void {
    if (text.traits.resets) this.resets(text);
    this.mayCopyIn ||= text.copiesIn;
  }

  private resets({ traits }: TextFacts): void {
    this.isOneReset = this.reset.size === 0 && traits.isReset;
    for (const name of traits.resetSettings) this.reset.add(name);
  }

  private execute(server: ServerConnection, bytes: Uint8Array, at: number): void {
    const effects = this.sqlPrepared.effectsOfExecute(bytes, at + 5);
    const mustWait = this.mayCopyIn || (effects !== undefined && effects.list.length > 0);
    const ref = effects ?? (mustWait ? ({ kind: 'counted' } satisfies StatementRef) : countedRef);
    server.expect(Expect.Execute, this.planRetry.action(), this.session, ref);
    server.unsynced++;
    server.executesUnsynced++;
    if (mustWait) this.awaitAnswer(server, ref);
  }

  /**
   * Reads no further until the Execute just sent is answered: a Sync behind a COPY would be consumed by it, if it begins,
   * and a name made by PREPARE must be known before it is mentioned again.
   */
  awaitAnswer(server: ServerConnection, ref: object): void {
    server.send(flush);
    this.awaited = ref;
  }

  /** A Query with this text was sent. */
  querySent(server: ServerConnection, text: TextFacts, effects: SqlEffects | undefined): void {
    this.statementForwarder.unnamed.statement.drop();
    server.unnamed = null;
    if (text.traits.resets) this.resets(text);
    const mustWait = text.copiesIn || (effects !== undefined && effects.list.length > 0);
    const ref = effects ?? (mustWait ? ({ kind: 'counted' } satisfies StatementRef) : undefined);
    if (mustWait) this.awaited = ref;
    this.expectEnd(server, Expect.Query, ref);
  }

  /** Sends a Query of ours whose results nobody sees; the caller is told `completion` if it succeeds. */
  substitute(server: ServerConnection, sql: string, completion: Uint8Array | undefined, apply: () => void): void {
    this.statementForwarder.unnamed.statement.drop();
    server.unnamed = null;
    server.send(encodeQuery(sql));
    const ref: Substitution = { kind: 'substitution', completion, apply, hasFailed: false };
    this.awaited = ref;
    server.expect(Expect.Query, Action.Substitute, this.session, ref);
    this.session.segmentSent();
  }

  /** Expects the ReadyForQuery of a segment. Where it reset settings, the start-up values are put back behind it. */
  private expectEnd(server: ServerConnection, kind: typeof Expect.Sync | typeof Expect.Query, ref: unknown): void {
    const { session } = this;
    const sql = this.reset.size === 0 ? '' : restoreBaselineSql(session.state.baseline, this.reset, this.isOneReset);
    if (sql !== '') {
      server.expect(kind, Action.ForwardButReady, session, ref);
      server.send(encodeQuery(sql));
      server.unnamed = null;
      const ref2: Substitution = { kind: 'substitution', completion: undefined, apply: () => {}, hasFailed: false };
      server.expect(Expect.Query, Action.Substitute, session, ref2);
    } else server.expect(kind, Action.Forward, session, ref);
    this.reset.clear();
    session.segmentSent();
  }

  // --- answers ---

  answered(server: ServerConnection, kind: Expect, ref: unknown, bytes: Uint8Array, start: number): void {
    const isAwaited = ref === this.awaited;
    if (isAwaited) this.answerKnown();
    if (kind === Expect.Execute && isSqlEffects(ref)) {
      this.planRetry.answered(kind);
      this.sqlPrepared.executed(server, ref, bytes[start]!);
      return;
    }
    const statementRef = ref as StatementRef;
    switch (statementRef.kind) {
      case 'unnamed':
        this.statementForwarder.unnamed.statement.confirmed(statementRef);
        break;
      case 'named':
        this.statementForwarder.confirmed(statementRef.key);
        break;
      case 'verified':
        this.statementForwarder.verified(statementRef.key);
        if (statementRef.statement.shape !== undefined)
          this.statementForwarder.shapes.told(server, statementRef.statement, bytes, start);
        break;
      case 'described':
        this.statementForwarder.shapes.told(server, statementRef.statement, bytes, start);
        break;
      case 'checked':
        this.statementForwarder.shapes.checked(server, statementRef.statement, bytes, start, isAwaited);
        return;
      case 'counted':
        break;
      case 'injected-unnamed':
        if (statementRef.change !== undefined) this.statementForwarder.unnamed.statement.confirmed(statementRef.change);
        return;
      default:
        return;
    }
    this.planRetry.answered(kind);
  }

  /** Read on, once the message that brought the answer has been dealt with. */
  private answerKnown(): void {
    this.awaited = undefined;
    this.session.readOnLater();
  }

  completed(ref: unknown): void {
    if (isSqlEffects(ref)) ref.completed++;
  }

  revoked(server: ServerConnection, kind: Expect, ref: unknown, isCause: boolean): void {
    if (ref === undefined) return;
    if (ref === this.awaited) this.answerKnown();
    if (kind === Expect.Synthetic) {
      (ref as SyntheticReply).undo?.();
      return;
    }
    this.statementForwarder.revoked(server, ref as StatementRef, isCause);
  }

  /** True: the error is given to the caller as it came. */
  failed(kind: Expect, action: Action, ref: unknown, bytes: Uint8Array, start: number, end: number): boolean {
    if (action === Action.Substitute) {
      const substitution = ref as Substitution;
      substitution.hasFailed = true;
      return substitution.completion !== undefined;
    }
    if (kind === Expect.Bind && (ref as StatementRef | undefined)?.kind === 'error') {
      this.session.give((ref as Extract<StatementRef, { kind: 'error' }>).message);
      return false;
    }
    if (this.planRetry.recovers(kind, ref as StatementRef | undefined, bytes, start, end)) return false;
    return this.sqlPrepared.forwardsError(bytes, start, end, ref as SqlEffects | StatementRef | undefined);
  }

  /** A segment's ReadyForQuery is about to be given out. */
  finished(server: ServerConnection, action: Action, ref: unknown): void {
    if (ref !== undefined && ref === this.awaited) this.awaited = undefined;
    if (action === Action.Substitute) {
      const substitution = ref as Substitution;
      if (!substitution.hasFailed) {
        if (substitution.completion !== undefined) this.session.give(substitution.completion);
        substitution.apply();
      }
    } else if (isSqlEffects(ref)) this.sqlPrepared.finishedQuery(server, ref);
  }
}
