/**
 * Messages about prepared statements on their way to Postgres: names are rewritten, statements the connection lacks are
 * put in front, and what was not carried out is put right. Rules: reference/pooling.md §2.12.
 */
import { encodeBind, encodeCloseComplete, encodeErrorResponse, encodeParseComplete, FrontendCode } from '@postern/wire';
import type { SyntheticReply } from './answers.ts';
import { readParameter } from './bind-parameters.ts';
import { copyBytes, hasHighByte, indexOfZero } from './byte-buffer.ts';
import type { Forwarder } from './forwarding.ts';
import { Action, Expect } from './reply-queue.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { nameKey, nameText, SessionStatements } from './session-statements.ts';
import { countedRef, type StatementRef } from './statement-ref.ts';
import { StatementSupply } from './statement-supply.ts';
import { encodeCloseOf, encodeParseOf, type Statement, type StatementText, serverNamePrefix } from './statements.ts';
import { ToldShapes } from './told-shapes.ts';
import { UnnamedForwarder } from './unnamed-forwarding.ts';

const missingName = `${serverNamePrefix}none`;
const bindMissing: Uint8Array = encodeBind({ statement: missingName });
const parseComplete: Uint8Array = encodeParseComplete();
const closeComplete: Uint8Array = encodeCloseComplete();
/** Larger ones are sent as they arrive. */
export const maxWholeBindBytes = 16_384;
const nothing: Uint8Array = new Uint8Array(0);
const decoder = new TextDecoder();

export class StatementForwarder {
  readonly names: SessionStatements = new SessionStatements();
  readonly unnamed: UnnamedForwarder;
  readonly supply: StatementSupply;
  readonly shapes: ToldShapes;
  /** Names given by a Parse that is not answered yet. */
  private pending: Map<string, StatementRef> | undefined;
  private readonly session: PooledSession;
  private readonly forwarder: Forwarder;

  constructor(session: PooledSession, forwarder: Forwarder) {
    this.session = session;
    this.forwarder = forwarder;
    this.unnamed = new UnnamedForwarder(session, forwarder);
    this.supply = new StatementSupply(session, this.names);
    this.shapes = new ToldShapes(session, this.supply);
  }

  /** False: whether the name is free is not known yet. */
  parse(server: ServerConnection, bytes: Uint8Array, at: number, end: number): boolean {
    const { session } = this;
    const nameEnd = indexOfZero(bytes, at + 5);
    const sqlEnd = nameEnd < 0 ? -1 : indexOfZero(bytes, nameEnd + 1);
    if (nameEnd < 0 || sqlEnd < 0 || sqlEnd >= end) {
      this.sendMalformed(server, Expect.Parse, bytes, at, end);
      return true;
    }
    const pending = this.pending?.get(nameKey(bytes, at + 5, nameEnd));
    if (pending !== undefined) {
      this.forwarder.awaitAnswer(server, pending);
      return false;
    }
    const given = session.pool.texts.intern(bytes, nameEnd + 1, end, sqlEnd);
    let text = given;
    this.supply.bringBefore(server, text);
    if (text.traits.prepared.length > 0 || text.traits.discardsAll)
      text = this.forwarder.sqlPrepared.rewriteParse(server, text, sqlEnd - nameEnd - 1);
    if (nameEnd > at + 5) return this.parseNamed(server, bytes, at + 5, nameEnd, text);
    if (text === given) server.send(bytes, at, end);
    else server.send(encodeParseOf(nothing, text.tail));
    this.unnamed.parsed(server, text);
    return true;
  }

  private parseNamed(
    server: ServerConnection,
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    text: StatementText,
  ): boolean {
    const { session, names } = this;
    const { planRetry } = this.forwarder;
    const { label, isSettled, hasObjects } = session.state;
    const { texts } = session.pool;
    const key = nameKey(bytes, nameStart, nameEnd);
    if (hasHighByte(bytes, nameStart, nameEnd)) {
      // It never gets there, but whether it is text in the caller's encoding is Postgres' to say.
      server.send(encodeCloseOf(bytes.subarray(nameStart, nameEnd)));
      server.unsynced++;
      server.expect(Expect.Close, Action.Swallow, session, undefined);
    }
    if (names.get(key) !== undefined) {
      if (planRetry.isReplaying && planRetry.action() === Action.Swallow) return true;
      // Postgres looks at the text before it refuses the name.
      const refused = texts.privateStatement(text, undefined);
      this.supply.parse(server, refused);
      server.expect(Expect.Parse, Action.Swallow, session, {
        kind: 'injected',
        statement: refused,
        generation: refused.generation,
        routine: 'exec_parse_message',
      } satisfies StatementRef);
      const name = decoder.decode(bytes.subarray(nameStart, nameEnd));
      this.failWith(server, '42P05', `prepared statement "${name}" already exists`, 'StorePreparedStatement');
      return true;
    }
    const { maxSessionStatements, parseContext } = session.context.limits;
    if (names.size >= maxSessionStatements) {
      this.failWith(server, '53400', `a session may hold ${maxSessionStatements} prepared statements`);
      return true;
    }
    const shared = texts.statement(text, parseContext ? label.parseContext : '', label.constants);
    const isFailed = server.status === TransactionStatus.Failed && !text.traits.mayOpenTransaction;
    // Beside temporary tables a text may mean others; a second name for it could not be told from the first in errors.
    const isPrivate = !isSettled || hasObjects || isFailed || text.traits.momentary || names.holds(shared);
    const statement = isPrivate ? texts.privateStatement(text, isSettled ? label.constants : undefined) : shared;
    if (!isPrivate) this.supply.renewIfOld(statement);
    const isKnown = server.prepared.get(statement) === statement.generation;
    // Whether the transaction still stands decides whether a Parse succeeds, and that is not known before it is answered.
    if (isKnown && session.inFlight > 0) return false;
    names.set(key, statement);
    this.pending ??= new Map();
    if (isKnown) {
      planRetry.uses(server, statement);
      if (planRetry.isRecording && server.executesUnsynced === 0) {
        // Postgres says what a Parse would find out: that the plan is stale, or that the text means nothing any more.
        this.supply.verify(server, statement);
        const ref: StatementRef = { kind: 'verified', key, statement };
        this.pending.set(key, ref);
        server.expect(Expect.Describe, Action.Swallow, session, ref);
        return true;
      }
    }
    // Where something has run that could not be repeated, should the plan be stale, it is parsed anew.
    this.supply.parse(server, statement);
    const ref: StatementRef = { kind: 'named', key, statement, generation: statement.generation };
    this.pending.set(key, ref);
    server.expect(Expect.Parse, planRetry.action(), session, ref);
    if (server.unchecked.has(statement)) this.shapes.check(server, statement);
    return true;
  }

  /** The statement of this name, on the connection from now on. */
  private supplied(server: ServerConnection, statement: Statement | undefined, routine: string): Statement | undefined {
    if (statement === undefined) return undefined;
    if (this.session.servesMany) this.supply.renewIfOld(statement);
    this.supply.bringBefore(server, statement.text);
    this.forwarder.planRetry.uses(server, statement);
    return this.supply.ensure(server, statement, routine);
  }

  bind(server: ServerConnection, bytes: Uint8Array, at: number, end: number, available: number): number {
    const limit = Math.min(end, available);
    if (limit < end && end - at <= maxWholeBindBytes) return 0;
    const portalEnd = indexOfZero(bytes, at + 5);
    const nameEnd = portalEnd < 0 || portalEnd >= limit ? -1 : indexOfZero(bytes, portalEnd + 1);
    if (nameEnd < 0 || nameEnd >= limit) {
      if (limit < end && available - at <= this.session.context.limits.maxMessageBytes) return 0;
      this.sendMalformed(server, Expect.Bind, bytes, at, limit);
      if (limit < end) this.session.input.streamRest(server, end - limit);
      return limit - at;
    }
    const { session } = this;
    let from = at;
    let text: StatementText | undefined;
    if (nameEnd === portalEnd + 1) {
      if (this.forwarder.mustWait(server, this.unnamed.statement.current?.text)) return 0;
      if (!this.unnamed.supply(server)) return 0;
      text = this.unnamed.resolved(server);
    } else {
      const key = nameKey(bytes, portalEnd + 1, nameEnd);
      const named = this.names.get(key);
      if (this.forwarder.isInjectionOpen || this.forwarder.mustWait(server, named?.text)) return 0;
      if (this.shapes.refuses(named)) {
        this.failWith(server, '0A000', 'cached plan must not change result type', 'RevalidateCachedQuery');
        if (limit < end) session.input.streamNowhere(end - limit);
        return limit - at;
      }
      let statement = this.supplied(server, named, 'exec_bind_message');
      if (statement !== undefined) {
        const unsure = this.shapes.bind(server, statement, bytes, at + 5, portalEnd, end, available);
        if (unsure !== undefined) {
          this.forwarder.awaitAnswer(server, unsure);
          return 0;
        }
        text = this.forwarder.sqlPrepared.resolve(server, statement.text);
        if (text !== statement.text) {
          this.names.set(key, session.pool.texts.privateStatement(text, statement.constants));
          statement = this.supplied(server, this.names.get(key), 'exec_bind_message')!;
        }
        this.sendRenamed(server, bytes, at, end, portalEnd + 1, nameEnd, statement.name);
        from = nameEnd;
      } else if (key.startsWith(serverNamePrefix)) {
        this.failWith(
          server,
          '26000',
          `prepared statement "${nameText(key)}" does not exist`,
          'FetchPreparedStatement',
        );
        if (limit < end) session.input.streamNowhere(end - limit);
        return limit - at;
      }
    }
    if (text !== undefined) {
      if (text.traits.settingParameters.length === 0) session.state.touch(server, text);
      else this.touchNamed(server, text, bytes, nameEnd + 1, limit);
      this.forwarder.bound(text);
      if (text.effects !== undefined || this.forwarder.sqlPrepared.hasEffects) {
        this.forwarder.sqlPrepared.bound(nameKey(bytes, at + 5, portalEnd), text.effects);
      }
    }
    server.unsynced++;
    server.expect(Expect.Bind, this.forwarder.planRetry.action(), session, countedRef);
    this.forwarder.planRetry.sent(FrontendCode.Bind, bytes, at, limit < end ? -1 : end);
    return this.sendRest(server, bytes, at, from, end, available);
  }

  /** Some parameters of the Bind, which begin at `at`, are names of settings. Apart from `bind` for its closure. */
  private touchNamed(
    server: ServerConnection,
    text: StatementText,
    bytes: Uint8Array,
    at: number,
    limit: number,
  ): void {
    this.session.state.touch(server, text, (number) => readParameter(bytes, at, limit, number));
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
    const length = end - at - 1 - (stop - start) + name.length;
    const count = start - at + name.length;
    const head = new Uint8Array(count);
    copyBytes(bytes, at, start, head, 0);
    copyBytes(name, 0, name.length, head, start - at);
    // By hand: a DataView would have V8 move a small array out of its heap.
    head[1] = length >>> 24;
    head[2] = length >>> 16;
    head[3] = length >>> 8;
    head[4] = length;
    server.send(head);
  }

  /** Sends `bytes[from..end)` as far as it is here and lets the rest stream. Returns the bytes used from `at`. */
  sendRest(
    server: ServerConnection,
    bytes: Uint8Array,
    at: number,
    from: number,
    end: number,
    available: number,
  ): number {
    const limit = Math.min(end, available);
    server.send(bytes, from, limit);
    if (limit < end) this.session.input.streamRest(server, end - limit);
    return limit - at;
  }

  /** False: which statement is meant is not known yet. */
  describe(server: ServerConnection, bytes: Uint8Array, at: number, end: number): boolean {
    const { session } = this;
    if (bytes[at + 5] === 0x53) {
      if (bytes[at + 6] === 0) {
        if (!this.unnamed.supply(server)) return false;
      } else {
        if (this.forwarder.isInjectionOpen) return false;
        const key = nameKey(bytes, at + 6, end - 1);
        const statement = this.supplied(server, this.names.get(key), 'exec_describe_statement_message');
        if (statement !== undefined) {
          this.sendRenamed(server, bytes, at, end, at + 6, end - 1, statement.name);
          server.send(bytes, end - 1, end);
          server.unsynced++;
          server.expect(
            Expect.Describe,
            this.forwarder.planRetry.action(),
            session,
            this.shapes.describe(server, statement),
          );
          return true;
        }
        if (key.startsWith(serverNamePrefix)) {
          this.failWith(
            server,
            '26000',
            `prepared statement "${nameText(key)}" does not exist`,
            'FetchPreparedStatement',
          );
          return true;
        }
      }
    }
    const ref = bytes[at + 5] === 0x50 ? this.shapes.describePortal(server, bytes, at + 6, end - 1) : countedRef;
    server.send(bytes, at, end);
    server.unsynced++;
    server.expect(Expect.Describe, this.forwarder.planRetry.action(), session, ref);
    return true;
  }

  close(server: ServerConnection, bytes: Uint8Array, at: number, end: number): void {
    // A body that ends before or behind its name.
    if (end < at + 7 || indexOfZero(bytes, at + 6) !== end - 1) {
      this.sendMalformed(server, Expect.Close, bytes, at, end);
      return;
    }
    if (bytes[at + 5] === 0x53 && bytes[at + 6] !== 0) {
      const key = nameKey(bytes, at + 6, end - 1);
      const statement = this.names.get(key);
      this.names.forget(key);
      // A repetition of the segment would need it again.
      this.forwarder.planRetry.forget();
      // Server connections keep it for others; it goes when it is the least recently used.
      this.synthesize(server, closeComplete, () => {
        if (statement !== undefined) this.names.set(key, statement);
      });
      return;
    }
    const ref = bytes[at + 5] === 0x53 ? this.unnamed.closed(server) : countedRef;
    server.send(bytes, at, end);
    server.unsynced++;
    server.expect(Expect.Close, this.forwarder.planRetry.action(), this.session, ref);
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
  sendMalformed(server: ServerConnection, kind: Expect, bytes: Uint8Array, at: number, end: number): void {
    this.session.state.touchAll(server);
    server.send(bytes, at, end);
    server.unsynced++;
    server.expect(kind, Action.Forward, this.session, undefined);
  }

  /** The Parse that gave this name succeeded. */
  confirmed(key: string): void {
    this.pending?.delete(key);
  }

  /** The statement that was there already does for the caller's Parse. */
  verified(key: string): void {
    this.confirmed(key);
    this.session.give(parseComplete);
  }

  /** A message of this kind failed or was skipped. */
  revoked(server: ServerConnection, statementRef: StatementRef, isCause: boolean): void {
    switch (statementRef.kind) {
      case 'named':
        this.pending?.delete(statementRef.key);
        this.names.forget(statementRef.key);
        dropGeneration(server, statementRef);
        return;
      case 'verified':
        this.pending?.delete(statementRef.key);
        this.names.forget(statementRef.key);
        return;
      case 'injected':
        dropGeneration(server, statementRef);
        return;
      case 'removed':
        server.prepared.set(statementRef.statement, statementRef.generation);
        return;
      case 'unnamed':
        this.unnamed.revoked(server, statementRef, isCause);
        return;
      case 'injected-unnamed':
        this.unnamed.injectionRevoked(server, statementRef.change, isCause);
        return;
      default:
    }
  }
}

/** The connection does not have it, unless the next one has been parsed meanwhile. */
function dropGeneration(
  server: ServerConnection,
  { statement, generation }: { readonly statement: Statement; readonly generation: number },
): void {
  if (server.prepared.get(statement) !== generation) return;
  server.prepared.delete(statement);
  server.unchecked.delete(statement);
}
