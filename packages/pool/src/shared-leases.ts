/**
 * Several sessions on one server connection: segments that may (shareable-segment.ts) are sent behind one another, each
 * with its own Sync. While all connections are busy, instead of waiting for a lease; while some are idle, too, if those
 * aboard have been so quick (pace.ts) that waking another connection would cost more than waiting for them. First in, first
 * out still holds: a waiter that cannot share stops the sharing until it has its connection.
 */
import type { Clock } from './clock.ts';
import type { Label } from './label.ts';
import { moveOthersOn } from './riding.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import type { ServerSet } from './server-set.ts';
import { expectedMs } from './shareable-segment.ts';
import type { Turns } from './turns.ts';
import type { Waiter, WaitQueue } from './wait-queue.ts';

/** Segments under way at once on a shared connection: so many fellows a slow statement can delay at most. */
const maxDepth = 8;
/** Of statements that have been quick: as long as those aboard are expected to take so little altogether. */
const maxQuickDepth = 32;
/** Milliseconds: where the next could have an idle connection instead, */
const maxChosenMs = 1;
/** and where it would have to wait. */
const maxBusyMs = 10;
/** Nobody joins a connection whose current statement has been running for so long. */
const maxHeadMs = 3;
/** Those behind one that has been running for so long are sent elsewhere, as long as there are idle connections, */
const maxStuckMs = 100;
/** and back to the queue after this: later, since the connection is lost for it. */
const maxStuckAnywayMs = 1_000;

export interface SharedLeasesOptions {
  readonly clock: Clock;
  readonly turns: Turns;
  readonly waiters: WaitQueue;
  readonly leased: ServerSet;
  hasIdle(): boolean;
  /** The last rider left. */
  freed(server: ServerConnection): void;
}

export class SharedLeases {
  private readonly options: SharedLeasesOptions;
  private isWatching = false;
  private readonly look = (): void => this.lookForStuck();

  constructor(options: SharedLeasesOptions) {
    this.options = options;
  }

  /**
   * Lets `waiter` ride where it costs next to nothing or, if `isFull` (nothing is idle nor can be opened), on any busy
   * connection that has room; false when none will do.
   */
  join(waiter: Waiter, isFull: boolean): boolean {
    const ownMs = this.options.leased.size === 0 ? undefined : expectedMsOf(waiter);
    if (ownMs === undefined) return false;
    const chosen = ownMs > maxChosenMs ? undefined : this.find(waiter.label, 0, maxChosenMs - ownMs);
    return this.seat(waiter, ownMs, isFull ? (chosen ?? this.findBusy(waiter, ownMs)) : chosen);
  }

  /** Lets as many of the first waiters ride as can. */
  boardWaiters(): void {
    const { waiters } = this.options;
    for (let waiter = waiters.first; waiter !== undefined; waiter = waiters.first) {
      const ownMs = expectedMsOf(waiter);
      if (ownMs === undefined || !this.seat(waiter, ownMs, this.findBusy(waiter, ownMs))) return;
    }
  }

  private seat(waiter: Waiter, ownMs: number, server: ServerConnection | undefined): boolean {
    if (server === undefined) return false;
    if (server.riders === 0) server.holder?.share(server);
    server.riders++;
    if (!this.options.waiters.remove(waiter) && !waiter.waitsOn) {
      this.options.turns.begin();
      waiter.waitingSince = this.options.turns.startedAt;
    }
    waiter.ride(server, ownMs);
    if (!this.isWatching) this.watchOn();
    return true;
  }

  private watchOn(): void {
    this.isWatching = true;
    // Behind what has come meanwhile: this process may have been busy itself.
    this.options.clock.after(maxStuckMs, () => this.options.turns.afterEvents(this.look));
  }

  private lookForStuck(): void {
    const { clock, leased, hasIdle } = this.options;
    const now = clock.now();
    this.isWatching = false;
    for (const server of [...leased]) {
      if (server.riders < 2) continue;
      if (now - server.headSince >= (hasIdle() ? maxStuckMs : maxStuckAnywayMs)) moveOthersOn(server);
      if (!this.isWatching) this.watchOn();
    }
  }

  /** Of one that is gone the pool has heard. */
  private free(server: ServerConnection): void {
    if (server.isGone) return;
    // Nobody waits for what it still owes: that was taken back.
    if (server.owed.length > 0) server.destroy();
    // A cancel under way could still hit whoever comes next.
    else if (server.cancelsInFlight > 0) this.freeLater(server);
    else {
      server.isDraining = false;
      this.options.freed(server);
    }
  }

  private freeLater(server: ServerConnection): void {
    this.options.clock.after(5, () => this.free(server));
  }

  private findBusy(waiter: Waiter, ownMs: number): ServerConnection | undefined {
    return this.find(waiter.label, maxDepth, maxBusyMs - ownMs);
  }

  /**
   * The fullest connection that has room, as what travels together saves system calls: where fewer than `depthAnyway` are
   * aboard, or all of them are expected to take no more than `maxMs`.
   */
  private find(label: Label, depthAnyway: number, maxMs: number): ServerConnection | undefined {
    const { arrivedAfter } = this.options.turns;
    let best: ServerConnection | undefined;
    for (const server of this.options.leased) {
      const depth = server.segmentsOwed;
      if (depth === 0 || depth >= maxQuickDepth || (best !== undefined && best.segmentsOwed >= depth)) continue;
      if (server.label !== label || server.isDirty || server.isSuspect || server.isGone) continue;
      if (server.status !== TransactionStatus.Idle || server.unsynced > 0 || server.isSkipping) continue;
      if (
        server.isMidMessage ||
        server.isDraining ||
        server.cancelsInFlight > 0 ||
        arrivedAfter - server.headSince > maxHeadMs
      )
        continue;
      const ms = owedMs(server);
      if (ms === undefined || (depth >= depthAnyway && ms > maxMs)) continue;
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

/** What those aboard are expected to take; undefined: nobody may join them. */
function owedMs(server: ServerConnection): number | undefined {
  if (server.riders > 0) return server.owedMs;
  const text = server.holder?.shareableLease(server);
  return text === undefined ? undefined : expectedMs(text);
}

/** What the waiter's next segment is expected to take; undefined: it may not share a connection. */
function expectedMsOf(waiter: Waiter): number | undefined {
  if (waiter.group !== undefined || waiter.label.channels.length > 0) return undefined;
  const text = waiter.shareableText();
  return text === undefined ? undefined : expectedMs(text);
}
