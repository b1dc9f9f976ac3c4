/**
 * The unnamed statement on its way to Postgres, which keeps one per connection: whoever uses it must find their own there.
 * What it is for the session is in session-unnamed.ts. Rules: reference/pooling.md §2.12.
 */
import { encodeClose } from '@postern/wire';
import type { SyntheticReply } from './answers.ts';
import type { Forwarder } from './forwarding.ts';
import { Action, Expect } from './reply-queue.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { SessionUnnamed, type UnnamedChange } from './session-unnamed.ts';
import type { StatementRef } from './statement-ref.ts';
import { encodeParseOf, type StatementText, type UnnamedStatement } from './statements.ts';

const nothing: Uint8Array = new Uint8Array(0);
const closeUnnamed: Uint8Array = encodeClose('S', '');

export class UnnamedForwarder {
  readonly statement: SessionUnnamed = new SessionUnnamed();
  private readonly session: PooledSession;
  private readonly forwarder: Forwarder;

  constructor(session: PooledSession, forwarder: Forwarder) {
    this.session = session;
    this.forwarder = forwarder;
  }

  /** The caller's Parse was sent, with this text. */
  parsed(server: ServerConnection, text: StatementText): void {
    const { current } = this.statement;
    const unnamed = current?.text === text ? current : { text };
    const change = this.statement.change(unnamed, this.session.segmentsSent);
    server.unnamed = unnamed;
    server.unsynced++;
    server.expect(Expect.Parse, this.forwarder.planRetry.action(), this.session, change);
  }

  /** The caller's Close is about to be sent. */
  closed(server: ServerConnection): UnnamedChange {
    server.unnamed = null;
    return this.statement.change(undefined, this.session.segmentsSent);
  }

  /** A Query drops it, unless it is skipped with what came before it. */
  droppedByQuery(server: ServerConnection): void {
    const change = this.statement.change(undefined, undefined);
    const undo = (): void => this.revoked(server, change, false);
    server.expect(Expect.Synthetic, Action.Forward, this.session, { bytes: nothing, undo } satisfies SyntheticReply);
  }

  /**
   * Makes sure that the connection has this session's, or none if it has none. False: which one that is depends on a segment
   * that is not answered yet.
   */
  supply(server: ServerConnection): boolean {
    const { current } = this.statement;
    const awaited = this.statement.awaited(this.session.segmentsSent);
    if (awaited !== undefined) {
      this.forwarder.awaitAnswer(server, awaited);
      return false;
    }
    if (server.unnamed === (current ?? null)) return !this.forwarder.isInjectionOpen;
    if (current === undefined) {
      server.send(closeUnnamed);
      server.unsynced++;
      server.expect(Expect.Close, Action.Swallow, this.session, undefined);
      server.unnamed = null;
    } else this.inject(server, current, undefined);
    return true;
  }

  /** The text of what `supply` put there, to be bound: another, if it mentions statements by names that mean others now. */
  resolved(server: ServerConnection): StatementText | undefined {
    const text = this.statement.current?.text;
    if (text?.effects === undefined) return text;
    const resolved = this.forwarder.sqlPrepared.resolve(server, text);
    if (resolved === text) return text;
    const unnamed: UnnamedStatement = { text: resolved };
    this.inject(server, unnamed, this.statement.change(unnamed, this.session.segmentsSent));
    return resolved;
  }

  private inject(server: ServerConnection, unnamed: UnnamedStatement, change: UnnamedChange | undefined): void {
    server.send(encodeParseOf(nothing, unnamed.text.tail));
    server.unsynced++;
    this.forwarder.injectedIn = this.session.segmentsSent;
    const ref: StatementRef = { kind: 'injected-unnamed', change };
    server.expect(Expect.Parse, Action.Swallow, this.session, ref);
    server.unnamed = unnamed;
  }

  /** A Parse or Close of the caller's failed or was skipped. */
  revoked(server: ServerConnection, change: UnnamedChange, isCause: boolean): void {
    this.statement.revoked(change, isCause);
    server.unnamed = isCause ? null : undefined;
  }

  injectionRevoked(server: ServerConnection, change: UnnamedChange | undefined, isCause: boolean): void {
    if (change !== undefined) this.statement.revoked(change, isCause);
    server.unnamed = undefined;
  }
}
