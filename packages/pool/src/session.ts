/**
 * One caller's conversation on pooled server connections, as the caller sees it: the parts it is made of, and the sink of
 * what comes back. What the caller sends is read in caller-input.ts and sent on in forwarding.ts; lease.ts borrows the server
 * connection; what a session may leave behind is in session-state.ts.
 */
import type { ByteStream } from './byte-stream.ts';
import { CallerInput } from './caller-input.ts';
import { CallerOutput } from './caller-output.ts';
import type { EngineContext } from './engine-context.ts';
import { errorMessage, isFatalResponse, readyForQuery } from './error-message.ts';
import type { PoolError } from './errors.ts';
import { Forwarder } from './forwarding.ts';
import { LastWords } from './last-words.ts';
import { Lease, type LeaseLimits } from './lease.ts';
import { isOfStandby } from './parameter-set.ts';
import type { Pool } from './pool.ts';
import { connectionLost } from './pool-errors.ts';
import { Action, Expect } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
import { Riding } from './riding.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import { SessionCancel } from './session-cancel.ts';
import { SessionNotifications } from './session-notifications.ts';
import { SessionOpening, type Startup } from './session-opening.ts';
import { SessionState } from './session-state.ts';
import { countAnsweredSyncs } from './syncs-in-copy.ts';
import type { TextFacts } from './text-facts.ts';

export interface PooledSessionOptions {
  readonly context: EngineContext;
  readonly pool: Pool;
  readonly stream: ByteStream;
  /** Its frontend is told by the stream's error why it is refused, which says whether that is safe to repeat. */
  readonly isInner: boolean;
  readonly processId: number;
  readonly label: string;
  readonly limits: LeaseLimits;
  onClosed(session: PooledSession): void;
}

export class PooledSession implements ReplySink {
  readonly context: EngineContext;
  readonly pool: Pool;
  readonly stream: ByteStream;
  readonly processId: number;
  readonly name: string;
  readonly lease: Lease;
  readonly state: SessionState;
  readonly opening: SessionOpening;
  readonly notifications: SessionNotifications;
  readonly input: CallerInput;
  readonly output: CallerOutput;
  readonly forwarder: Forwarder;
  readonly riding: Riding;
  readonly lastWords: LastWords;
  readonly cancelling: SessionCancel;
  private readonly onClosed: (session: PooledSession) => void;

  phase: 'opening' | 'open' | 'closed' = 'opening';
  server: ServerConnection | undefined;
  /** Segments sent whose ReadyForQuery is not in. */
  inFlight = 0;
  segmentsSent = 0;
  /** Segments sent since the start: that it moves shows that the caller is not idle. */
  sent = 0;
  /** Its frontend lends it to one caller after another: none of them knows when its statements were parsed. */
  servesMany = false;
  private readonly isInner: boolean;
  private isKept = false;
  private isFatalSent = false;

  constructor(options: PooledSessionOptions) {
    this.context = options.context;
    this.pool = options.pool;
    this.stream = options.stream;
    this.isInner = options.isInner;
    this.processId = options.processId;
    this.name = options.label;
    this.onClosed = options.onClosed;
    this.state = new SessionState(this);
    this.opening = new SessionOpening(this);
    this.lease = new Lease(this, options.limits);
    this.notifications = new SessionNotifications(this);
    this.input = new CallerInput(this);
    this.output = new CallerOutput(this);
    this.forwarder = new Forwarder(this);
    this.riding = new Riding(this);
    this.lastWords = new LastWords(this);
    this.cancelling = new SessionCancel(this);
    this.stream.onData = (bytes): boolean => {
      this.context.turns.begin();
      return this.input.onData(bytes);
    };
    this.stream.onDrain = (): void => this.output.resumeServer();
    this.stream.onClose = (): void => {
      this.detach();
    };
  }

  get isUntouched(): boolean {
    if (this.phase !== 'open' || this.inFlight > 0 || this.isBlocked || this.input.hasHeld) return false;
    return this.state.isUntouched && this.context.limits.serverReset !== 'always';
  }

  /** Nobody's at the moment: its frontend keeps it for the next caller. */
  get isSpare(): boolean {
    return this.isKept;
  }
  set isSpare(isSpare: boolean) {
    this.isKept = isSpare;
    this.servesMany = true;
  }

  // --- what the caller sends ---

  /** Begins: at once when what the start-up parameters come to is known, else after Postgres was asked. */
  start(
    parameters: ReadonlyMap<string, string>,
    greeting: ((parameters: ReadonlyMap<string, string>) => readonly Uint8Array[]) | undefined,
  ): void {
    const { startups } = this.pool;
    const key = JSON.stringify([...parameters]);
    const begin = (startup: Startup): void => {
      if (startups.size > 1_000) startups.clear();
      startups.set(key, startup);
      this.phase = 'open';
      this.output.greet(startup.parameters, greeting?.(startup.parameters.values) ?? []);
    };
    const known = startups.get(key);
    // A standby may have been promoted: who is greeted is told what Postgres says now.
    if (known === undefined || (greeting !== undefined && isOfStandby(known.parameters))) {
      this.opening.begin(parameters, begin);
      return;
    }
    this.state.start(known);
    begin(known);
    this.input.pump();
  }

  /** It has or waits for a server connection, or for notifications: not idle, whatever its caller sends. */
  get isOccupied(): boolean {
    return this.server !== undefined || this.lease.isWaiting || this.state.label.channels.length > 0;
  }

  /** Nothing more is read from the caller until something has happened. */
  get isBlocked(): boolean {
    if ((this.riding.isRiding && this.inFlight > 0) || this.lastWords.areDue) return true;
    return (
      this.lease.isWaiting || this.isOver || this.state.isBusy || this.isGated || this.forwarder.awaited !== undefined
    );
  }

  /**
   * No further segment is sent while others wait and one is under way, or too many are. A copy's data must get through:
   * nothing else would end its segment.
   */
  private get isGated(): boolean {
    if (this.inFlight === 0 || this.server === undefined || this.server.isCopyingIn) return false;
    return this.pool.waiters.length > 0 || this.inFlight >= this.context.limits.pipelineWindow;
  }

  /** `phase` changes under the feet of those that read messages. */
  get isOver(): boolean {
    return this.phase === 'closed';
  }

  /** The last message of a segment was sent. */
  segmentSent(): void {
    this.inFlight++;
    this.segmentsSent++;
    this.sent++;
  }

  // --- ReplySink ---

  shareableLease(server: ServerConnection): TextFacts | undefined {
    return this.riding.shareableLease(server);
  }

  share(server: ServerConnection): void {
    this.riding.shareLease(server);
  }

  moveOn(server: ServerConnection): void {
    this.riding.moveOn(server);
  }

  receive(bytes: Uint8Array, start: number, end: number): boolean {
    return this.output.receive(bytes, start, end);
  }

  give(message: Uint8Array): void {
    this.output.give(message);
  }

  answered(server: ServerConnection, kind: Expect, ref: unknown, bytes: Uint8Array, start: number): void {
    if (ref !== undefined) this.forwarder.answered(server, kind, ref, bytes, start);
    this.lastWords.answerCame();
  }

  completed(ref: unknown): void {
    if (ref !== undefined) this.forwarder.completed(ref);
  }

  revoked(server: ServerConnection, kind: Expect, ref: unknown, isCause: boolean): void {
    if (kind === Expect.Query || kind === Expect.FunctionCall) {
      this.inFlight--;
      this.readOnLater();
    }
    this.forwarder.revoked(server, kind, ref, isCause);
  }

  failed(
    server: ServerConnection,
    kind: Expect,
    action: Action,
    ref: unknown,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (this.phase === 'closed' || server.owed.length === 0) return false;
    if (isFatalResponse(bytes, start)) this.isFatalSent = true;
    this.lastWords.answerCame();
    return this.forwarder.failed(kind, action, ref, bytes, start, end);
  }

  ready(server: ServerConnection, status: number, action: Action, ref: unknown): boolean {
    if (this.riding.isRiding && this.phase === 'closed') this.inFlight--;
    if (this.phase === 'closed' || action === Action.Swallow) return false;
    if (action === Action.ForwardButReady) {
      this.forwarder.finished(server, action, ref);
      return false;
    }
    this.inFlight--;
    this.riding.answered(server);
    if (this.forwarder.planRetry.repeats()) return false;
    this.forwarder.finished(server, action, ref);
    if (status === TransactionStatus.Idle && this.state.mustHoldReady(server)) return false;
    this.beforeReady(server, status);
    return true;
  }

  /** What is told before a ReadyForQuery: changed parameters, and notifications between transactions. */
  private beforeReady(server: ServerConnection, status: number): void {
    this.output.tellParameters(server.parameters);
    this.notifications.segmentOver(status);
  }

  /** Gives out the ReadyForQuery that `mustHoldReady` held back. */
  giveHeldReady(server: ServerConnection): void {
    this.beforeReady(server, TransactionStatus.Idle);
    this.give(readyForQuery(TransactionStatus.Idle));
  }

  settled(server: ServerConnection): void {
    if (this.server !== server) return;
    this.lastWords.answerCame();
    if (this.riding.isRiding) {
      if (this.inFlight === 0) this.riding.ended(server);
      return;
    }
    // The connection is given away before more of this caller's input is read when others wait for it.
    if (this.pool.waiters.length > 0) {
      this.lease.mayEnd();
      if (this.server === server && !this.isBlocked) this.input.pump();
    } else {
      this.input.pump();
      if (this.server === server) this.lease.mayEnd();
    }
  }

  copyInStarted(server: ServerConnection, ref: unknown, voidSyncs: number): void {
    this.inFlight -= voidSyncs;
    if (this.forwarder.awaited === ref) this.forwarder.awaited = undefined;
    if (this.server === server) this.input.pump();
  }

  copyInFailed(server: ServerConnection, kind: Expect): void {
    if (this.server === server && !this.isOver) countAnsweredSyncs(server, this, kind === Expect.Execute);
  }

  /** Reads on once the message that made it possible has been dealt with. */
  readOnLater(): void {
    queueMicrotask(() => this.errandDone());
  }

  serverDrained(): void {
    this.input.applyBackPressure();
  }

  /** Whether Postgres must still tell something about statements made by PREPARE. */
  learnsStatements(server: ServerConnection): boolean {
    return this.forwarder.sqlPrepared.learns(server);
  }

  errandAnswered(server: ServerConnection): void {
    if (this.server !== server || this.phase !== 'open' || server.isOnErrandFor(this)) return;
    // What waited for it to succeed.
    this.input.pump();
    this.cancelling.errandsAnswered(server);
  }

  /** The engine's own work for this session (state.isBusy) is done. */
  errandDone(): void {
    if (this.phase === 'closed') return;
    this.input.pump();
    this.lease.mayEnd();
  }

  notify(message: Uint8Array): void {
    this.notifications.tell(message);
  }

  hear(processId: number, channel: string, payload: string, message: Uint8Array): void {
    this.notifications.notify(processId, channel, payload, message);
  }

  lost(server: ServerConnection, fatal: Uint8Array | undefined): void {
    if (this.server !== server) return;
    this.server = undefined;
    if (this.riding.isRiding) this.riding.lost(server);
    else this.lease.lost();
    if (this.phase === 'closed') return;
    this.state.serverLost();
    if (this.isFatalSent) {
      this.close();
      return;
    }
    this.fail(fatal ?? errorMessage('FATAL', '', connectionLost()));
  }

  // --- the end ---

  /** Says why and closes. */
  fail(message: Uint8Array): void {
    this.give(message);
    this.close();
  }

  /** The same, where nothing of what it wants has been carried out. */
  refuse(error: PoolError): void {
    this.context.toCaller.flush();
    this.detach();
    refuse(this.stream, error, this.isInner);
  }

  close(): void {
    if (this.phase === 'closed') return;
    this.context.toCaller.flush();
    this.detach();
    this.stream.end();
  }

  /** A CancelRequest with this session's key. */
  cancel(): Promise<void> {
    return this.cancelling.request();
  }

  /** Lets go of everything but the stream. */
  private detach(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.lease.abandon();
    const { server } = this;
    this.state.close();
    this.cancelling.drop();
    this.input.clear();
    this.output.resumeServer();
    if (server !== undefined && this.riding.isRiding) this.riding.abandoned(server);
    else if (server !== undefined) {
      this.server = undefined;
      this.state.leave(server);
    }
    this.lease.lastServer = undefined;
    this.onClosed(this);
  }
}

/** Ends a caller's stream with an error. `isInner`: see PooledSessionOptions. */
export function refuse(stream: ByteStream, error: PoolError, isInner: boolean): void {
  if (isInner) {
    stream.destroy(error);
    return;
  }
  stream.write(errorMessage('FATAL', '', error));
  stream.end();
}
