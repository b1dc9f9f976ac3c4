/**
 * One session's part in sharing a server connection: whether its next segment may run between others', how it is sent
 * elsewhere after all, and what becomes of a cancel. Which connection is shared, and with whom, is decided in
 * shared-leases.ts.
 */
import { encodeSync } from '@postern/wire';
import type { ByteBuffer } from './byte-buffer.ts';
import { nobody } from './errand.ts';
import { cancelled } from './pool-errors.ts';
import { Action, Expect } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
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
  /** What was sent, in case it has to be sent elsewhere. Whoever lent the connection to the others is the first: never. */
  private segment: ByteBuffer | undefined;

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
    this.segment = session.context.spareBuffers.take();
    session.input.copySegment(this.segment);
    session.server = server;
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
      !session.output.isServerPaused &&
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
    session.output.resumeServer();
    session.server = undefined;
    session.inFlight = 0;
    this.forgetSegment();
    session.pool.rideEnded(server);
    if (session.phase === 'open' && session.input.hasHeld) session.input.pump();
  }

  /**
   * The caller is gone. What was sent is answered to nobody: it cannot be cancelled without hitting a fellow. A segment sent
   * in part is ended here, since nobody else can be served before it is; such a one only reads.
   */
  abandoned(server: ServerConnection): void {
    if (this.session.inFlight > 0) return;
    server.isSkipping = false;
    server.send(encodeSync());
    server.expect(Expect.Sync, Action.Swallow, this.session, undefined);
    this.session.segmentSent();
  }

  /** The shared connection is gone. */
  lost(server: ServerConnection): void {
    this.isRiding = false;
    this.forgetSegment();
    this.session.pool.rideEnded(server);
  }

  /**
   * A CancelRequest while riding with others, which would hit whoever runs when it arrives. True: it may be sent now, as the
   * others, none of whom Postgres has begun to answer, run elsewhere. False: it was another's turn, and this one is
   * cancelled here. Either way the connection is closed when it has answered those who are left.
   */
  cancelAmong(server: ServerConnection): boolean {
    const { session } = this;
    const isCurrent = server.owed.sink === session;
    if (isCurrent) moveOthersOn(server);
    else {
      this.takeBack(server);
      session.lease.refused(cancelled(), false);
    }
    return isCurrent;
  }

  /** Somebody ahead on the connection is cancelled, or takes too long. */
  moveOn(server: ServerConnection): void {
    // One that is gone has no use for an answer from elsewhere.
    if (!this.isRiding || this.session.phase !== 'open') return;
    this.takeBack(server);
    this.session.lease.waitsOn = true;
    this.session.input.pump();
  }

  /** As if it had not been sent: it is what is read next. */
  private takeBack(server: ServerConnection): void {
    const { session, segment } = this;
    const { owed } = server;
    const isPart = session.inFlight === 0;
    for (let i = owed.length - 1; i >= 0; i--) {
      if (owed.sinkAt(i) !== session) continue;
      session.revoked(server, owed.kindAt(i) as Expect, owed.refAt(i), false);
      owed.disownAt(i, nobody);
    }
    session.forwarder.planRetry.takenBack();
    this.isRiding = false;
    session.server = undefined;
    if (segment !== undefined) {
      // The rest of it waits for an answer.
      if (isPart) session.input.dropSegment();
      session.input.putBack(segment);
    }
    session.inFlight = 0;
    // What is prepared on it is not known any more.
    server.isSuspect = true;
    server.riders--;
    server.owedMs -= this.expectedMs;
    this.forgetSegment();
  }

  private forgetSegment(): void {
    if (this.segment === undefined) return;
    this.session.context.spareBuffers.give(this.segment);
    this.segment = undefined;
  }
}

/** All who share `server` run elsewhere, but the one whose turn it is. */
export function moveOthersOn(server: ServerConnection): void {
  const others = new Set<ReplySink>();
  for (let i = 0; i < server.owed.length; i++) others.add(server.owed.sinkAt(i));
  others.delete(server.owed.sink);
  // Not on it again.
  server.isDraining = true;
  for (const other of others) other.moveOn(server);
}
