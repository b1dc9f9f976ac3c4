/**
 * What becomes of each message of a pooled session on its way to Postgres: names of prepared statements are rewritten,
 * statements the connection lacks are put in front, and every message that will be answered is expected.
 * Rules: reference/pooling.md §2.1, §2.7, §2.12.
 */
import {
  encodeBind,
  encodeClose,
  encodeCloseComplete,
  encodeErrorResponse,
  encodeFlush,
  encodeParseComplete,
  encodeQuery,
  FrontendCode,
} from '@postern/wire';
import { copyBytes } from './byte-buffer.ts';
import { restoreBaselineSql } from './label.ts';
import { PlanRetry } from './plan-retry.ts';
import { Action, Expect } from './reply-queue.ts';
import { type ServerConnection, type SyntheticReply, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { nameKey, nameText, SessionStatements } from './session-statements.ts';
import { isSqlEffects, type SqlEffects, SqlPrepared } from './sql-prepared.ts';
import {
  encodeParseOf,
  type Statement,
  type StatementText,
  serverNamePrefix,
  type UnnamedStatement,
} from './statements.ts';

/** What to put right when a Parse or a statement's Close was not carried out. */
type StatementRef =
  | { readonly kind: 'named'; readonly key: string; readonly statement: Statement }
  | { readonly kind: 'injected'; readonly statement: Statement }
  | { readonly kind: 'evicted'; readonly statement: Statement; readonly generation: number }
  | { readonly kind: 'unnamed'; readonly previous: UnnamedStatement | undefined }
  | { readonly kind: 'unnamed-again' }
  | { readonly kind: 'injected-unnamed' }
  /** Bind, Describe and Execute: their answers are counted in case the segment must be repeated. */
  | { readonly kind: 'counted' }
  /** The server's error is given out in these words instead. */
  | { readonly kind: 'error'; readonly message: Uint8Array };

/** A Query of ours in place of the caller's: `completion` is what the caller is told instead of its results. */
interface Substitution {
  readonly kind: 'substitution';
  readonly completion: Uint8Array | undefined;
  apply(): void;
  hasFailed: boolean;
}

const missingName = `${serverNamePrefix}none`;
const bindMissing: Uint8Array = encodeBind({ statement: missingName });
const closeUnnamed: Uint8Array = encodeClose('S', '');
const flush: Uint8Array = encodeFlush();
const parseComplete: Uint8Array = encodeParseComplete();
const closeComplete: Uint8Array = encodeCloseComplete();
const prefixKey: string = serverNamePrefix;

export class Forwarder {
  readonly statements: SessionStatements = new SessionStatements();
  unnamed: UnnamedStatement | undefined;
  private readonly session: PooledSession;
  readonly sqlPrepared: SqlPrepared;
  readonly planRetry: PlanRetry;
  /** A text of the open segment resets settings: the start-up values come back behind it. */
  private restoresBaseline = false;
  /** A portal bound in this segment may be a COPY from the caller. */
  private mayCopyIn = false;
  /** What follows cannot be read before an answer is in: whether a copy begins, or what PREPARE came to. */
  awaited: object | undefined;

  constructor(session: PooledSession) {
    this.session = session;
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
    if (code === FrontendCode.Bind) return this.bind(server, bytes, at, end, available);
    if (code === FrontendCode.CopyData) return this.sendRest(server, bytes, at, at, end, available);
    if (end > available) return 0;
    switch (code) {
      case FrontendCode.Parse:
        this.parse(server, bytes, at, end);
        break;
      case FrontendCode.Execute:
        server.send(bytes, at, end);
        this.execute(server, bytes, at);
        break;
      case FrontendCode.Sync:
        this.sync(server, bytes, at, end);
        break;
      case FrontendCode.Describe:
        this.describe(server, bytes, at, end);
        break;
      case FrontendCode.Query:
        this.query(server, bytes, at, end);
        break;
      case FrontendCode.Close:
        this.close(server, bytes, at, end);
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

  // --- statements ---

  private parse(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    const { session } = this;
    const nameEnd = bytes.indexOf(0, at + 5);
    const sqlEnd = nameEnd < 0 ? -1 : bytes.indexOf(0, nameEnd + 1);
    if (nameEnd < 0 || sqlEnd < 0 || sqlEnd >= end) {
      this.sendMalformed(server, Expect.Parse, bytes, at, end);
      return;
    }
    let text = session.pool.texts.intern(bytes, nameEnd + 1, end, sqlEnd);
    if (text.traits.prepared.length > 0) text = this.sqlPrepared.rewriteParse(server, text, sqlEnd - nameEnd - 1);
    if (nameEnd === at + 5) this.parseUnnamed(server, text);
    else this.parseNamed(server, bytes, at + 5, nameEnd, text);
  }

  private parseUnnamed(server: ServerConnection, text: StatementText): void {
    const { session } = this;
    const message = encodeParseOf(noName, text.tail);
    server.send(message);
    server.unsynced++;
    const previous = this.unnamed;
    if (previous?.text !== text) this.unnamed = { text };
    server.unnamed = this.unnamed;
    server.expect(
      Expect.Parse,
      Action.Forward,
      session,
      previous === this.unnamed ? sameUnnamed : ({ kind: 'unnamed', previous } satisfies StatementRef),
    );
  }

  private parseNamed(
    server: ServerConnection,
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    text: StatementText,
  ): void {
    const { session, statements } = this;
    const key = nameKey(bytes, nameStart, nameEnd);
    if (statements.get(key) !== undefined) {
      if (this.planRetry.isReplaying) return this.synthesize(server, parseComplete, undefined);
      return this.failWith(
        server,
        '42P05',
        `prepared statement "${decoder.decode(bytes.subarray(nameStart, nameEnd))}" already exists`,
        'StorePreparedStatement',
      );
    }
    const { maxSessionStatements, parseContext } = session.context.limits;
    if (statements.size >= maxSessionStatements) {
      return this.failWith(server, '53400', `a session may hold ${maxSessionStatements} prepared statements`);
    }
    const { texts } = session.pool;
    const statement = !session.state.isSettled
      ? texts.privateStatement(text)
      : texts.statement(text, parseContext ? session.state.label.parseContext : '');
    statements.set(key, statement);
    const isFailed = server.status === TransactionStatus.Failed && !text.traits.mayOpenTransaction;
    if (server.prepared.get(statement) === statement.generation && !isFailed) {
      this.synthesize(server, parseComplete, () => statements.delete(key));
      return;
    }
    this.sendParse(server, statement);
    server.expect(Expect.Parse, Action.Forward, session, { kind: 'named', key, statement } satisfies StatementRef);
  }

  private sendParse(server: ServerConnection, statement: Statement): void {
    if (server.prepared.size >= this.session.context.limits.maxPreparedStatements) this.evict(server);
    server.send(encodeParseOf(statement.name, statement.text.tail));
    server.unsynced++;
    server.prepared.set(statement, statement.generation);
  }

  private evict(server: ServerConnection): void {
    for (const [statement, generation] of server.prepared) {
      server.prepared.delete(statement);
      server.send(encodeClose('S', decoder.decode(statement.name)));
      server.unsynced++;
      server.expect(Expect.Close, Action.Swallow, this.session, {
        kind: 'evicted',
        statement,
        generation,
      } satisfies StatementRef);
      return;
    }
  }

  /** Makes sure the connection has the statement: a Parse of ours in front, whose answer nobody sees. */
  ensurePrepared(server: ServerConnection, statement: Statement): void {
    const generation = server.prepared.get(statement);
    if (generation === statement.generation) {
      if (server.prepared.size * 2 > this.session.context.limits.maxPreparedStatements) {
        server.prepared.delete(statement);
        server.prepared.set(statement, generation);
      }
      return;
    }
    server.prepared.delete(statement);
    this.sendParse(server, statement);
    server.expect(Expect.Parse, Action.Swallow, this.session, { kind: 'injected', statement } satisfies StatementRef);
  }

  /** Makes sure the connection's unnamed statement is this session's, or none if it has none. */
  private ensureUnnamed(server: ServerConnection): void {
    const { unnamed, session } = this;
    if (server.unnamed === (unnamed ?? null)) return;
    if (unnamed === undefined) {
      server.send(closeUnnamed);
      server.unsynced++;
      server.expect(Expect.Close, Action.Swallow, session, undefined);
    } else {
      server.send(encodeParseOf(noName, unnamed.text.tail));
      server.unsynced++;
      server.expect(Expect.Parse, Action.Swallow, session, { kind: 'injected-unnamed' } satisfies StatementRef);
    }
    server.unnamed = unnamed ?? null;
  }

  private bind(server: ServerConnection, bytes: Uint8Array, at: number, end: number, available: number): number {
    const limit = Math.min(end, available);
    const portalEnd = bytes.indexOf(0, at + 5);
    const nameEnd = portalEnd < 0 || portalEnd >= limit ? -1 : bytes.indexOf(0, portalEnd + 1);
    if (nameEnd < 0 || nameEnd >= limit) {
      if (limit < end && available - at <= this.session.context.limits.maxMessageBytes) return 0;
      this.sendMalformed(server, Expect.Bind, bytes, at, limit);
      if (limit < end) this.session.streamRest(server, end - limit);
      return limit - at;
    }
    const { session } = this;
    let from = at;
    let text: StatementText | undefined;
    if (nameEnd === portalEnd + 1) {
      this.ensureUnnamed(server);
      text = this.unnamed?.text;
    } else {
      const key = nameKey(bytes, portalEnd + 1, nameEnd);
      const statement = this.statements.get(key);
      if (statement !== undefined) {
        this.planRetry.uses(server, statement);
        this.ensurePrepared(server, statement);
        text = statement.text;
        this.sendRenamed(server, bytes, at, end, portalEnd + 1, nameEnd, statement.name);
        from = nameEnd;
      } else if (key.startsWith(prefixKey)) {
        this.failWith(
          server,
          '26000',
          `prepared statement "${nameText(key)}" does not exist`,
          'FetchPreparedStatement',
        );
        if (limit < end) session.streamNowhere(end - limit);
        return limit - at;
      }
    }
    if (text !== undefined) {
      session.state.touch(server, text);
      if (text.traits.resets) this.restoresBaseline = true;
      this.mayCopyIn ||= text.copiesIn;
      if (text.effects !== undefined || this.sqlPrepared.hasEffects) {
        this.sqlPrepared.bound(nameKey(bytes, at + 5, portalEnd), text.effects);
      }
    }
    server.unsynced++;
    server.expect(Expect.Bind, this.planRetry.action(), session, answeredRef);
    this.planRetry.sent(FrontendCode.Bind, bytes, at, limit < end ? -1 : end);
    return this.sendRest(server, bytes, at, from, end, available);
  }

  /** Sends a message up to its statement name `bytes[start..stop)`, with another name there. */
  private sendRenamed(
    server: ServerConnection,
    bytes: Uint8Array,
    at: number,
    end: number,
    start: number,
    stop: number,
    name: Uint8Array,
  ): void {
    const head = new Uint8Array(start - at + name.length);
    copyBytes(bytes, at, start, head, 0);
    copyBytes(name, 0, name.length, head, start - at);
    new DataView(head.buffer).setUint32(1, end - at - 1 - (stop - start) + name.length);
    server.send(head);
  }

  /** Sends `bytes[from..end)` as far as it is here and lets the rest stream. Returns the bytes used from `at`. */
  private sendRest(
    server: ServerConnection,
    bytes: Uint8Array,
    at: number,
    from: number,
    end: number,
    available: number,
  ): number {
    const limit = Math.min(end, available);
    server.send(bytes, from, limit);
    if (limit < end) this.session.streamRest(server, end - limit);
    return limit - at;
  }

  private describe(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    const { session } = this;
    if (bytes[at + 5] === 0x53) {
      if (bytes[at + 6] === 0) this.ensureUnnamed(server);
      else {
        const key = nameKey(bytes, at + 6, end - 1);
        const statement = this.statements.get(key);
        if (statement !== undefined) {
          this.planRetry.uses(server, statement);
          this.ensurePrepared(server, statement);
          this.sendRenamed(server, bytes, at, end, at + 6, end - 1, statement.name);
          server.send(bytes, end - 1, end);
          server.unsynced++;
          server.expect(Expect.Describe, this.planRetry.action(), session, answeredRef);
          return;
        }
        if (key.startsWith(prefixKey)) {
          return this.failWith(
            server,
            '26000',
            `prepared statement "${nameText(key)}" does not exist`,
            'FetchPreparedStatement',
          );
        }
      }
    }
    server.send(bytes, at, end);
    server.unsynced++;
    server.expect(Expect.Describe, this.planRetry.action(), session, answeredRef);
  }

  private close(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    if (bytes[at + 5] === 0x53 && bytes[at + 6] !== 0) {
      const key = nameKey(bytes, at + 6, end - 1);
      const statement = this.statements.get(key);
      this.statements.delete(key);
      // Server connections keep it for others; it goes when it is the least recently used.
      this.synthesize(server, closeComplete, () => {
        if (statement !== undefined) this.statements.set(key, statement);
      });
      return;
    }
    if (bytes[at + 5] === 0x53) {
      this.unnamed = undefined;
      server.unnamed = null;
    }
    server.send(bytes, at, end);
    server.unsynced++;
    server.expect(Expect.Close, Action.Forward, this.session, undefined);
  }

  private synthesize(server: ServerConnection, bytes: Uint8Array, undo: (() => void) | undefined): void {
    server.expect(Expect.Synthetic, Action.Forward, this.session, { bytes, undo } satisfies SyntheticReply);
  }

  /** An error of ours inside a segment: Postgres is made to fail too, so that it aborts and skips as it would. */
  private failWith(server: ServerConnection, code: string, message: string, routine?: string): void {
    server.send(bindMissing);
    server.unsynced++;
    server.expect(Expect.Bind, Action.Forward, this.session, {
      kind: 'error',
      message: encodeErrorResponse({ severity: 'ERROR', severityNonLocalized: 'ERROR', code, message, routine }),
    } satisfies StatementRef);
  }

  /** A message we cannot read is Postgres' to refuse. */
  private sendMalformed(server: ServerConnection, kind: Expect, bytes: Uint8Array, at: number, end: number): void {
    this.session.state.touchAll(server);
    server.send(bytes, at, end);
    server.unsynced++;
    server.expect(kind, Action.Forward, this.session, undefined);
  }

  // --- segments ---

  private sync(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    // A copy would consume it without an answer (§2.7); not sent, it cannot meet a copy that has just failed either.
    if (server.isCopyingIn) return;
    server.send(bytes, at, end);
    server.isSkipping = false;
    this.mayCopyIn = false;
    this.expectEnd(server, Expect.Sync, undefined);
  }

  private query(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    const { session } = this;
    const sqlEnd = bytes.indexOf(0, at + 5);
    // Postgres can be left in a state it does not expect itself (XX000 for whatever comes next): not for others.
    if (server.unsynced > 0) server.isSuspect = true;
    if (sqlEnd !== end - 1) {
      this.sendMalformed(server, Expect.Query, bytes, at, end);
      this.session.segmentSent();
      return;
    }
    const text = session.pool.texts.intern(bytes, at + 5, end, sqlEnd);
    const { traits } = text;
    if (traits.prepared.length > 0 || traits.discardsAll || traits.deallocatesAll) {
      if (this.sqlPrepared.query(server, text)) return;
    }
    session.state.touch(server, text);
    server.send(bytes, at, end);
    this.querySent(server, text, undefined);
  }

  private execute(server: ServerConnection, bytes: Uint8Array, at: number): void {
    const effects = this.sqlPrepared.effectsOfExecute(bytes, at + 5);
    const mustWait = this.mayCopyIn || (effects !== undefined && effects.list.length > 0);
    const ref = effects ?? (mustWait ? ({ kind: 'counted' } satisfies StatementRef) : answeredRef);
    server.expect(Expect.Execute, this.planRetry.action(), this.session, ref);
    server.unsynced++;
    server.executesUnsynced++;
    if (mustWait) this.awaitAnswer(server, ref);
  }

  /**
   * Reads no further until the Execute just sent is answered: a Sync behind a COPY would be consumed by it, if it begins,
   * and a name made by PREPARE must be known before it is mentioned again.
   */
  private awaitAnswer(server: ServerConnection, ref: object): void {
    server.send(flush);
    this.awaited = ref;
  }

  /** A Query with this text was sent. */
  querySent(server: ServerConnection, text: StatementText, effects: SqlEffects | undefined): void {
    this.unnamed = undefined;
    server.unnamed = null;
    if (text.traits.resets) this.restoresBaseline = true;
    if (effects !== undefined && effects.list.length > 0) this.awaited = effects;
    this.expectEnd(server, Expect.Query, effects);
  }

  /** Sends a Query of ours whose results nobody sees; the caller is told `completion` if it succeeds. */
  substitute(server: ServerConnection, sql: string, completion: Uint8Array | undefined, apply: () => void): void {
    this.unnamed = undefined;
    server.unnamed = null;
    server.send(encodeQuery(sql));
    const ref: Substitution = { kind: 'substitution', completion, apply, hasFailed: false };
    server.expect(Expect.Query, Action.Substitute, this.session, ref);
    this.session.segmentSent();
  }

  /** Expects the ReadyForQuery of a segment. Where it reset settings, the start-up values are put back behind it. */
  private expectEnd(server: ServerConnection, kind: typeof Expect.Sync | typeof Expect.Query, ref: unknown): void {
    const { session } = this;
    const { baseline } = session.state;
    if (this.restoresBaseline && baseline.size > 0) {
      server.expect(kind, Action.ForwardButReady, session, ref);
      server.send(encodeQuery(restoreBaselineSql(baseline)));
      server.unnamed = null;
      const ref2: Substitution = { kind: 'substitution', completion: undefined, apply: () => {}, hasFailed: false };
      server.expect(Expect.Query, Action.Substitute, session, ref2);
    } else server.expect(kind, Action.Forward, session, ref);
    this.restoresBaseline = false;
    session.segmentSent();
  }

  // --- answers ---

  answered(server: ServerConnection, kind: Expect, ref: unknown, code: number): void {
    if (ref === this.awaited) this.answerKnown();
    if ((ref as StatementRef).kind === 'counted') this.planRetry.answered(kind);
    else if (kind === Expect.Execute && isSqlEffects(ref)) this.sqlPrepared.executed(server, ref, code);
  }

  /** Read on, once the message that brought the answer has been dealt with. */
  private answerKnown(): void {
    this.awaited = undefined;
    this.session.answerKnown();
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
    const statementRef = ref as StatementRef;
    switch (statementRef.kind) {
      case 'named':
        this.statements.delete(statementRef.key);
        server.prepared.delete(statementRef.statement);
        return;
      case 'injected':
        server.prepared.delete(statementRef.statement);
        return;
      case 'evicted':
        server.prepared.set(statementRef.statement, statementRef.generation);
        return;
      case 'unnamed':
        this.unnamed = isCause ? undefined : statementRef.previous;
        server.unnamed = isCause ? null : undefined;
        return;
      case 'unnamed-again':
        if (isCause) this.unnamed = undefined;
        server.unnamed = isCause ? null : undefined;
        return;
      case 'injected-unnamed':
        server.unnamed = undefined;
        return;
      default:
    }
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
    if (this.planRetry.recovers(kind, bytes, start, end)) return false;
    return this.sqlPrepared.forwardsError(bytes, start, end);
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

const noName: Uint8Array = new Uint8Array(0);
/** Parsing the same text again changes nothing worth undoing, unless it is the Parse that fails. */
const sameUnnamed: StatementRef = { kind: 'unnamed-again' };
const answeredRef: StatementRef = { kind: 'counted' };
const decoder = new TextDecoder();
