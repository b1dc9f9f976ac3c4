/**
 * One session's part in sharing a server connection: whether its next segment may run between others', and what becomes of
 * a cancel meanwhile. Which connection is shared, and with whom, is decided in shared-leases.ts.
 */
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';
import { expectedMs, isShareableText } from './shareable-segment.ts';
import type { TextFacts } from './text-facts.ts';

export class Riding {
  /** The server connection is shared with other sessions, for one segment. */
  isRiding = false;
  /** Every text of the segment under way may share a connection. */
  isSegmentShareable = false;
  /** What a ride was expected to take, milliseconds. */
  private expectedMs = 0;
  /** The last text of the segment, if any. */
  private text: TextFacts | undefined;
  private readonly session: PooledSession;
  /** Ends the wait of who asked to cancel. */
  private cancelWanted: (() => void) | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  segmentBegins(): void {
    this.isSegmentShareable = true;
    this.text = undefined;
  }

  /** The segment under way runs this text. */
  uses(text: TextFacts): void {
    if (!isShareableText(text)) this.isSegmentShareable = false;
    this.text = text;
  }

  /** A segment was answered. */
  answered(server: ServerConnection): void {
    if (this.text !== undefined && this.session.inFlight === 0 && this.isSegmentShareable)
      this.text.pace.note(server.tookMs);
  }

  /** What is known of what the caller sends next, if it may share a connection. */
  shareableText(): TextFacts | undefined {
    const { session } = this;
    const { supply } = session.forwarder.statementForwarder;
    const mayBoard = session.phase === 'open' && session.state.isSettled && !supply.hasForeign;
    return mayBoard ? session.input.shareableText() : undefined;
  }

  board(server: ServerConnection, expectedMs: number): void {
    const { session } = this;
    this.isRiding = true;
    this.expectedMs = expectedMs;
    server.owedMs += expectedMs;
    session.server = server;
    session.context.flush();
  }

  /** What is known of the one segment that runs on this session's own lease, if others may join it. */
  shareableLease(server: ServerConnection): TextFacts | undefined {
    const { session } = this;
    const isShareable =
      this.isSegmentShareable &&
      session.phase === 'open' &&
      session.server === server &&
      session.inFlight === 1 &&
      server.segmentsOwed === 1 &&
      session.state.isSettled &&
      session.forwarder.awaited === undefined;
    return isShareable ? this.text : undefined;
  }

  /** Turns the lease into the first of several rides. */
  shareLease(server: ServerConnection): void {
    server.riders = 1;
    this.expectedMs = expectedMs(this.text!);
    server.owedMs = this.expectedMs;
    server.holder = undefined;
    server.onNotification = undefined;
    server.lastUser = undefined;
    this.isRiding = true;
    this.session.lease.lost();
  }

  /** The one segment sent on the shared connection is answered. */
  ended(server: ServerConnection): void {
    const { session } = this;
    this.isRiding = false;
    server.owedMs -= this.expectedMs;
    session.server = undefined;
    session.inFlight = 0;
    const cancelled = this.cancelWanted;
    this.cancelWanted = undefined;
    session.pool.rideEnded(server);
    cancelled?.();
    if (session.phase === 'open' && session.input.hasHeld) session.input.pump();
  }

  /** The shared connection is gone. */
  lost(server: ServerConnection): void {
    this.isRiding = false;
    const cancelled = this.cancelWanted;
    this.cancelWanted = undefined;
    this.session.pool.rideEnded(server);
    cancelled?.();
  }

  /**
   * A CancelRequest while riding with others: it would hit whoever runs when it arrives. Only short queries were let on,
   * so this one ends by itself; resolves then.
   */
  awaitEnd(): Promise<void> {
    return new Promise((resolve) => {
      const earlier = this.cancelWanted;
      this.cancelWanted = (): void => {
        earlier?.();
        resolve();
      };
    });
  }
}
