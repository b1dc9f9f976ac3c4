/**
 * How a session comes by its server connection and gives it back: waiting, granted, prepared, released. Which connection
 * it gets is decided in pool.ts; whether it may be shared meanwhile, in riding.ts.
 */
import { errorMessage } from './error-message.ts';
import type { Label } from './label.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import type { TextFacts } from './text-facts.ts';
import type { LimitGroup, Waiter } from './wait-queue.ts';

export interface LeaseLimits {
  /** Milliseconds; 0 = no limit. */
  readonly poolTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Whose connection_limit this session shares. */
  readonly group: LimitGroup | undefined;
}

export class Lease implements Waiter {
  readonly poolTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly group: LimitGroup | undefined;
  lastServer: ServerConnection | undefined;
  waitingSince = 0;
  waitsOn = false;
  place = -1;
  isWaiting = false;
  private readonly session: PooledSession;

  constructor(session: PooledSession, limits: LeaseLimits) {
    this.session = session;
    this.poolTimeoutMs = limits.poolTimeoutMs;
    this.connectTimeoutMs = limits.connectTimeoutMs;
    this.group = limits.group;
  }

  get label(): Label {
    return this.session.state.label;
  }

  /** Asks for a connection. True: the next message may be sent on it now. */
  take(): boolean {
    const { session } = this;
    const server = session.pool.acquire(this);
    this.waitsOn = false;
    if (server === undefined) {
      if (session.riding.isRiding) return true;
      this.isWaiting = true;
      return false;
    }
    this.attach(server);
    return session.server !== undefined && !session.isBlocked;
  }

  /** Stops waiting; false when it did not wait. */
  abandon(): boolean {
    if (!this.isWaiting || !this.session.pool.abandon(this)) return false;
    this.isWaiting = false;
    return true;
  }

  // --- Waiter ---

  granted(server: ServerConnection): void {
    this.isWaiting = false;
    this.attach(server);
    this.resumeAfterWait();
  }

  shareableText(): TextFacts | undefined {
    return this.session.riding.shareableText();
  }

  ride(server: ServerConnection, expectedMs: number): void {
    const wasWaiting = this.isWaiting;
    this.isWaiting = false;
    this.session.riding.board(server, expectedMs);
    if (wasWaiting) this.session.input.pump();
  }

  refused(error: unknown, isFinal: boolean): void {
    const { session } = this;
    this.isWaiting = false;
    if (session.phase === 'opening' || isFinal) {
      session.fail(errorMessage('FATAL', '', error));
      return;
    }
    session.input.failSegment(errorMessage('ERROR', '', error));
    session.input.pump();
  }

  // --- between the first message and the last answer ---

  private resumeAfterWait(): void {
    const { session } = this;
    if (session.state.isBusy) return;
    session.input.pump();
    this.mayEnd();
  }

  private attach(server: ServerConnection): void {
    const { session } = this;
    session.server = server;
    server.holder = session;
    server.onNotification = session.notifications;
    session.state.prepare(server);
    if (session.pool.relations.isDue) session.pool.relations.learn(server);
    const { supply } = session.forwarder.statementForwarder;
    if (supply.hasForeign) supply.bringForeign(server);
    if (session.phase === 'opening') session.opening.continueOn(server);
  }

  /** The connection could not be prepared for this session and nothing was sent on it: take another. */
  retry(server: ServerConnection): void {
    this.session.server = undefined;
    this.lost();
    server.holder = undefined;
    server.destroy();
    if (this.take()) this.resumeAfterWait();
  }

  /** Ends the lease if the release rule holds (reference/pooling.md §2.2). */
  mayEnd(): void {
    const { session } = this;
    const { server } = session;
    if (server === undefined || session.riding.isRiding || session.isBlocked || session.phase !== 'open') return;
    if (server.status !== TransactionStatus.Idle || !server.isQuiet || server.cancelsInFlight > 0) return;
    if (session.state.settle(server)) return;
    this.end(server);
    if (session.input.hasHeld) session.input.pump();
    // Nothing is under way that a cancel could be about.
    if (session.server === undefined && !this.isWaiting) session.cancelling.drop();
  }

  private end(server: ServerConnection): void {
    const { session } = this;
    session.output.resumeServer();
    session.server = undefined;
    session.inFlight = 0;
    this.lastServer = server;
    server.lastUser = session;
    session.pool.release(server, this);
  }

  /** The connection is gone, or shared from now on: it does not count against the group's limit any more. */
  lost(): void {
    if (this.group !== undefined) this.group.lent--;
  }
}
