/**
 * Several sessions on one server connection: while all connections are busy, segments that may (shareable-segment.ts) are
 * sent behind one another, each with its own Sync, instead of waiting for a lease. First in, first out still holds: a
 * waiter that cannot share stops the sharing until it has its connection.
 */
import type { Clock } from './clock.ts';
import type { ServerConnection } from './server-connection.ts';
import { TransactionStatus } from './server-connection.ts';
import type { Waiter, WaitQueue } from './wait-queue.ts';

/** Segments under way at once on a shared connection: so many fellows a slow statement can delay at most. */
const maxDepth = 8;
/** Nobody joins a connection whose current statement has been running for so long. */
const maxHeadMs = 3;

export interface SharedLeasesOptions {
  readonly clock: Clock;
  readonly waiters: WaitQueue;
  leased(): Iterable<ServerConnection>;
  /** The last rider left. */
  freed(server: ServerConnection): void;
  /** Sends what was gathered: at the end of an event of the clock's. */
  flush(): void;
}

export class SharedLeases {
  private readonly options: SharedLeasesOptions;

  constructor(options: SharedLeasesOptions) {
    this.options = options;
  }

  /** Lets `waiter` ride on a busy connection; false when none will do. */
  board(waiter: Waiter): boolean {
    const server = this.find(waiter);
    if (server === undefined) return false;
    this.seat(waiter, server);
    return true;
  }

  private seat(waiter: Waiter, server: ServerConnection): void {
    if (server.riders === 0) server.holder?.share(server);
    server.riders++;
    waiter.ride(server);
  }

  /** Lets as many of the first waiters ride as can. */
  boardWaiters(): void {
    const { waiters } = this.options;
    for (let waiter = waiters.first; waiter !== undefined; waiter = waiters.first) {
      const server = this.find(waiter);
      if (server === undefined) return;
      waiters.remove(waiter);
      this.seat(waiter, server);
    }
  }

  /** Not while a cancel is under way: it could still hit whoever comes next. */
  private free(server: ServerConnection): void {
    if (server.cancelsInFlight > 0 && !server.isGone) {
      this.freeLater(server);
      return;
    }
    server.isDraining = false;
    this.options.freed(server);
  }

  private freeLater(server: ServerConnection): void {
    this.options.clock.after(5, () => {
      this.free(server);
      this.options.flush();
    });
  }

  /** The fullest connection that has room: what travels together saves system calls. */
  private find(waiter: Waiter): ServerConnection | undefined {
    if (waiter.group !== undefined || waiter.label.channels.length > 0 || !waiter.mayShare()) return undefined;
    const now = this.options.clock.now();
    let best: ServerConnection | undefined;
    for (const server of this.options.leased()) {
      const depth = server.segmentsOwed;
      if (depth === 0 || depth >= maxDepth || (best !== undefined && best.segmentsOwed >= depth)) continue;
      if (server.label !== waiter.label || server.isDirty || server.isSuspect || server.isGone) continue;
      if (server.status !== TransactionStatus.Idle || server.unsynced > 0 || server.isSkipping) continue;
      if (server.isMidMessage || server.isDraining || server.cancelsInFlight > 0 || now - server.headSince > maxHeadMs)
        continue;
      if (server.riders === 0 && server.holder?.mayShareLease(server) !== true) continue;
      best = server;
    }
    return best;
  }

  /** A rider has its answers. */
  left(server: ServerConnection): void {
    server.riders--;
    if (server.riders === 0) this.free(server);
    else if (!server.isGone) this.boardWaiters();
  }
}
