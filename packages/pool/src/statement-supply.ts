/**
 * Puts the statements of one session on the server connection it has: in front of the message that needs them and unseen
 * by its caller, each under the settings it was parsed with, and the least recently used out of the way.
 * Rules: reference/pooling.md §2.12.
 */
import { encodeClose, encodeDescribe, encodeQuery, encodeSync } from '@postern/wire';
import { createErrand } from './errand.ts';
import { type ConstantContext, changeConstantsSql, guardedSql } from './label.ts';
import { Action, Expect } from './reply-queue.ts';
import { noRows } from './result-shape.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import type { SessionStatements } from './session-statements.ts';
import type { StatementRef } from './statement-ref.ts';
import { encodeParseOf, renewStatement, type Statement, serverName } from './statements.ts';
import type { TextFacts } from './text-facts.ts';

const decoder = new TextDecoder();
/** What was parsed so long ago may mean something else now: the schema is changed by others than our callers, too. */
const maxAgeMs = 1_000;

export class StatementSupply {
  private readonly session: PooledSession;
  private readonly names: SessionStatements;
  /** Statements whose constants were read under other settings than the session has now. */
  private foreign: readonly Statement[] = [];

  constructor(session: PooledSession, names: SessionStatements) {
    this.session = session;
    this.names = names;
  }

  get hasForeign(): boolean {
    return this.foreign.length > 0;
  }

  /**
   * Makes sure the connection has the statement, or one of the session's own in its place, which is returned.
   * `routine` is Postgres' own for the message that needs it: it would refuse what the Parse is refused for.
   */
  ensure(server: ServerConnection, wanted: Statement, routine: string): Statement {
    const generation = server.prepared.get(wanted);
    if (generation === wanted.generation) {
      if (server.prepared.size * 2 > this.session.context.limits.maxPreparedStatements) {
        server.prepared.delete(wanted);
        server.prepared.set(wanted, generation);
      }
      return wanted;
    }
    const statement = this.mayParseHere(wanted) ? wanted : this.ownCopy(wanted);
    this.parse(server, statement);
    this.session.forwarder.injectedIn = this.session.segmentsSent;
    const ref: StatementRef = { kind: 'injected', statement, generation: statement.generation, routine };
    server.expect(Expect.Parse, Action.Swallow, this.session, ref);
    return statement;
  }

  /**
   * The statement is about to stand for a Parse of the caller's. Postgres keeps what names and parameter types meant when it
   * parsed the text, so that must not have been before the schema last changed, nor long ago.
   */
  renewIfOld(statement: Statement): void {
    const { context, pool } = this.session;
    const { startedAt } = context.turns;
    const { parsedAt } = statement;
    if (startedAt - parsedAt <= maxAgeMs && parsedAt > pool.texts.changedAt) return;
    if (parsedAt > 0) renewStatement(statement);
    statement.parsedAt = startedAt;
  }

  /** Parsed under other settings it would be another statement, to all who share it. */
  private mayParseHere(statement: Statement): boolean {
    const { state } = this.session;
    const { constants } = statement;
    return constants === undefined || (!state.areConstantsInDoubt && constants.key === state.label.constants.key);
  }

  private ownCopy(statement: Statement): Statement {
    const copy = this.session.pool.texts.privateStatement(statement.text, undefined);
    copy.shape = statement.shape;
    this.names.replace(statement, copy);
    return copy;
  }

  /** Sends a Parse of the statement, in place of what the connection has of it; its answer is to be expected by who asks. */
  parse(server: ServerConnection, statement: Statement): void {
    if (server.prepared.has(statement)) this.remove(server, statement);
    else if (server.prepared.size >= this.session.context.limits.maxPreparedStatements) {
      for (const eldest of server.prepared.keys()) {
        this.remove(server, eldest);
        break;
      }
    }
    server.send(encodeParseOf(statement.name, statement.text.tail));
    server.unsynced++;
    server.prepared.set(statement, statement.generation);
    if (statement.shape !== undefined && statement.shape !== noRows) server.unchecked.add(statement);
  }

  /** Takes a statement off the connection. */
  private remove(server: ServerConnection, statement: Statement): void {
    const generation = server.prepared.get(statement)!;
    server.prepared.delete(statement);
    server.unchecked.delete(statement);
    server.send(encodeClose('S', decoder.decode(serverName(statement.id, generation))));
    server.unsynced++;
    const ref: StatementRef = { kind: 'removed', statement, generation };
    server.expect(Expect.Close, Action.Swallow, this.session, ref);
  }

  /** Has Postgres look whether a statement that the connection has is still valid; its answer is to be expected by who asks. */
  verify(server: ServerConnection, statement: Statement): void {
    server.send(encodeDescribe('S', decoder.decode(statement.name)));
    server.unsynced++;
  }

  /** The caller is told that the statement's rows look otherwise: to it and those to come it is another from now on. */
  changed(statement: Statement, shape: number): void {
    if (!this.names.holds(statement)) return;
    const { texts } = this.session.pool;
    const other = texts.privateStatement(statement.text, statement.constants);
    other.shape = shape;
    this.names.replace(statement, other);
    texts.supersede(statement, other);
    renewStatement(statement);
  }

  // --- statements that were parsed under other settings ---

  /** The session's settings are known, and may be others than before. */
  settled(constants: ConstantContext): void {
    if (this.names.size === 0) {
      this.foreign = [];
      return;
    }
    this.foreign = [...this.names.values()].filter((statement) => {
      // Parsed in the transaction that has just ended: under what it has come to, as far as can be told.
      statement.constants ??= constants;
      return statement.constants.key !== constants.key;
    });
  }

  /** Before the first segment on a newly lent connection: there settings can be changed and changed back. */
  bringForeign(server: ServerConnection): void {
    const { constants: own } = this.session.state.label;
    for (const statement of this.foreign) {
      const { constants } = statement;
      if (constants === undefined || server.prepared.get(statement) === statement.generation) continue;
      const mustSucceed = createErrand({ failed: () => server.destroy(), ready: () => {}, lost: () => {} });
      server.sendQuery(encodeQuery(changeConstantsSql(own, constants)), mustSucceed);
      this.parseAlone(server, statement);
      server.sendQuery(encodeQuery(guardedSql(changeConstantsSql(constants, own))), mustSucceed);
    }
  }

  /**
   * `text` is about to be sent, and may change how constants are read: what the session has prepared is put on the
   * connection first, as far as that is possible without touching a transaction.
   */
  bringBefore(server: ServerConnection, text: TextFacts): void {
    if (!text.changesConstants || text.traits.unknownFunctions.length > 0) return;
    if (server.status !== TransactionStatus.Idle || server.unsynced > 0 || this.session.inFlight > 0) return;
    for (const statement of this.names.values()) {
      if (server.prepared.get(statement) !== statement.generation && this.mayParseHere(statement))
        this.parseAlone(server, statement);
    }
  }

  /** In a segment of its own. A statement that cannot be parsed any more is its caller's error, when it is used. */
  private parseAlone(server: ServerConnection, statement: Statement): void {
    const errand = createErrand({ failed: () => server.prepared.delete(statement), ready: () => {}, lost: () => {} });
    this.parse(server, statement);
    server.expect(Expect.Parse, Action.Swallow, errand, undefined);
    server.send(encodeSync());
    server.expect(Expect.Sync, Action.Swallow, errand, undefined);
  }
}
