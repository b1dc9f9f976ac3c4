/**
 * One session's part in sharing a server connection: whether its next segment may run between others', and what becomes of
 * a cancel meanwhile. Which connection is shared, and with whom, is decided in shared-leases.ts.
 */
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';

export class Riding {
  /** The server connection is shared with other sessions, for one segment. */
  isRiding = false;
  /** Every text of the segment under way may share a connection. */
  isSegmentShareable = false;
  private readonly session: PooledSession;
  /** Ends the wait of who asked to cancel. */
  private cancelWanted: (() => void) | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** Whether what the caller sends next may share a connection. */
  mayBoard(): boolean {
    const { session } = this;
    const { supply } = session.forwarder.statementForwarder;
    return session.phase === 'open' && session.state.isSettled && !supply.hasForeign && session.input.mayShare();
  }

  board(server: ServerConnection): void {
    const { session } = this;
    this.isRiding = true;
    session.server = server;
    session.context.flush();
  }

  /** Whether others may join the one segment that runs on this session's own lease. */
  mayShareLease(server: ServerConnection): boolean {
    const { session } = this;
    return (
      this.isSegmentShareable &&
      session.phase === 'open' &&
      session.server === server &&
      session.inFlight === 1 &&
      server.segmentsOwed === 1 &&
      session.state.isSettled &&
      session.forwarder.awaited === undefined
    );
  }

  /** Turns the lease into the first of several rides. */
  shareLease(server: ServerConnection): void {
    server.riders = 1;
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
