/**
 * A caller's CancelRequests. Postgres cancels whatever it is at when one arrives, so one waits while that is an errand of the
 * engine's: the caller's own statement comes behind it.
 */
import { cancelled } from './pool-errors.ts';
import type { ServerConnection } from './server-connection.ts';
import type { PooledSession } from './session.ts';

export class SessionCancel {
  private readonly session: PooledSession;
  /** Sends the one that waits, or gives it up. */
  private held: ((server: ServerConnection | undefined) => void) | undefined;

  constructor(session: PooledSession) {
    this.session = session;
  }

  /** One has come. Resolves when it has been dealt with. */
  request(): Promise<void> {
    const { session } = this;
    const { lease, riding, server } = session;
    if (lease.abandon()) {
      lease.refused(cancelled(), false);
      return Promise.resolve();
    }
    if (server === undefined) return Promise.resolve();
    if (server.riders > 1 && !riding.cancelAmong(server)) return Promise.resolve();
    if (server.riders === 1) server.isDraining = true;
    if (server.owed.length === 0 && server.unsynced === 0) return Promise.resolve();
    if (riding.isRiding || !server.isOnErrandFor(session)) return this.send(server);
    // The caller has had all its answers: it comes too late.
    if (session.inFlight === 0 && server.unsynced === 0 && !session.input.hasHeld) return Promise.resolve();
    return this.hold();
  }

  /** The connection is at what the session sent last, if anything. */
  errandsAnswered(server: ServerConnection): void {
    if (this.held !== undefined) this.held(server.owed.length > 0 || server.unsynced > 0 ? server : undefined);
  }

  /** There is nothing left to cancel. */
  drop(): void {
    this.held?.(undefined);
  }

  private hold(): Promise<void> {
    const before = this.held;
    return new Promise((resolve) => {
      this.held = (server) => {
        this.held = undefined;
        before?.(undefined);
        if (server === undefined) resolve();
        else void this.send(server).then(resolve, resolve);
      };
    });
  }

  private send(server: ServerConnection): Promise<void> {
    const { session } = this;
    return session.context.cancelOnServer(session.pool.target, server).finally(() => {
      if (session.server === server) session.errandDone();
    });
  }
}
