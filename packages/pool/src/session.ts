/**
 * One caller's conversation on pooled server connections, as the caller sees it. Reads frontend messages, borrows a server
 * connection for as long as the release rule demands, and is the sink of what comes back.
 * What becomes of each message is in forwarding.ts; what a session may leave behind is in session-state.ts.
 */
import { encodeErrorResponse, encodeFlush, encodeParameterStatus } from '@postern/wire';
import type { ByteBuffer } from './byte-buffer.ts';
import type { ByteStream } from './byte-stream.ts';
import { CallerInput } from './caller-input.ts';
import type { EngineContext } from './engine-context.ts';
import { errorMessage, isFatalResponse, readyForQuery } from './error-message.ts';
import { PoolError } from './errors.ts';
import { Forwarder } from './forwarding.ts';
import { changedParameters, type ParameterSet } from './parameter-set.ts';
import type { Pool } from './pool.ts';
import { Action, Expect } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
import { type ServerConnection, TransactionStatus } from './server-connection.ts';
import { SessionNotifications } from './session-notifications.ts';
import { SessionState, type Startup } from './session-state.ts';
import type { LimitGroup, Waiter } from './wait-queue.ts';

export interface PooledSessionOptions {
  readonly context: EngineContext;
  readonly pool: Pool;
  readonly stream: ByteStream;
  readonly processId: number;
  readonly secretKey: Uint8Array;
  readonly label: string;
  readonly poolTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly group: LimitGroup | undefined;
  onClosed(session: PooledSession): void;
}

export class PooledSession implements ReplySink, Waiter {
  readonly context: EngineContext;
  readonly pool: Pool;
  readonly stream: ByteStream;
  readonly processId: number;
  readonly secretKey: Uint8Array;
  readonly name: string;
  readonly poolTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly group: LimitGroup | undefined;
  readonly state: SessionState;
  private readonly notifications: SessionNotifications;
  readonly input: CallerInput;
  readonly forwarder: Forwarder;
  private readonly onClosed: (session: PooledSession) => void;

  phase: 'opening' | 'open' | 'closed' = 'opening';
  server: ServerConnection | undefined;
  lastServer: ServerConnection | undefined;
  waitingSince = 0;
  isWaiting = false;
  /** The server connection is shared with other sessions, for one segment. */
  isRiding = false;
  private cancelWanted: (() => void) | undefined;
  /** Every text of the segment under way may share a connection. */
  isSegmentShareable = false;
  /** Segments sent whose ReadyForQuery is not in. */
  inFlight = 0;
  private isServerPaused = false;
  private isFatalSent = false;
  /** What will be said at the end, once what was sent before is answered. */
  private lastWords: Uint8Array | undefined;
  private told: ParameterSet | undefined;

  constructor(options: PooledSessionOptions) {
    this.context = options.context;
    this.pool = options.pool;
    this.stream = options.stream;
    this.processId = options.processId;
    this.secretKey = options.secretKey;
    this.name = options.label;
    this.poolTimeoutMs = options.poolTimeoutMs;
    this.connectTimeoutMs = options.connectTimeoutMs;
    this.group = options.group;
    this.onClosed = options.onClosed;
    this.state = new SessionState(this);
    this.notifications = new SessionNotifications(this);
    this.input = new CallerInput(this);
    this.forwarder = new Forwarder(this);
    this.stream.onData = (bytes): boolean => this.input.onData(bytes);
    this.stream.onDrain = (): void => {
      this.resumeServer();
    };
    this.stream.onClose = (): void => {
      this.detach();
      this.context.flush();
    };
  }

  get label(): SessionState['label'] {
    return this.state.label;
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
      this.told = startup.parameters;
      for (const message of greeting?.(startup.parameters.values) ?? []) this.give(message);
    };
    const known = startups.get(key);
    if (known === undefined) {
      this.state.open(parameters, begin);
      return;
    }
    this.state.start(known);
    begin(known);
    this.input.pump();
  }

  /** Nothing more is read from the caller until something has happened. */
  get isBlocked(): boolean {
    if ((this.isRiding && this.inFlight > 0) || this.lastWords !== undefined) return true;
    return this.isWaiting || this.isOver || this.state.isBusy || this.isGated || this.forwarder.awaited !== undefined;
  }

  /**
   * No further segment is sent while others wait and one is under way, or too many are. A copy's data must get through:
   * nothing else would end its segment.
   */
  private get isGated(): boolean {
    if (this.inFlight === 0 || this.server === undefined || this.server.isCopyingIn) return false;
    return this.pool.waiters.length > 0 || this.inFlight >= this.context.limits.pipelineWindow;
  }

  /** Sends a recorded segment once more, in place of the one that failed. */
  repeat(server: ServerConnection, segment: ByteBuffer): void {
    const { bytes, start, end } = segment;
    for (let at = start; at < end; ) {
      const total = 1 + new DataView(bytes.buffer, bytes.byteOffset + at + 1).getUint32(0);
      at += this.forwarder.forward(server, bytes[at]!, bytes, at, at + total, end);
    }
  }

  /** `phase` changes under the feet of those that read messages. */
  get isOver(): boolean {
    return this.phase === 'closed';
  }

  // --- the lease ---

  takeLease(): boolean {
    const server = this.pool.acquire(this);
    if (server === undefined) {
      if (this.isRiding) return true;
      this.isWaiting = true;
      return false;
    }
    this.attach(server);
    return this.server !== undefined && !this.isBlocked;
  }

  mayShare(): boolean {
    return this.phase === 'open' && this.state.isSettled && this.input.mayShare();
  }

  ride(server: ServerConnection): void {
    const wasWaiting = this.isWaiting;
    this.isWaiting = false;
    this.isRiding = true;
    this.server = server;
    this.context.flush();
    if (wasWaiting) this.input.pump();
  }

  mayShareLease(server: ServerConnection): boolean {
    return (
      this.isSegmentShareable &&
      this.phase === 'open' &&
      this.server === server &&
      this.inFlight === 1 &&
      server.segmentsOwed === 1 &&
      this.state.isSettled &&
      this.forwarder.awaited === undefined
    );
  }

  share(server: ServerConnection): void {
    server.riders = 1;
    server.holder = undefined;
    server.onNotification = undefined;
    server.lastUser = undefined;
    this.isRiding = true;
    if (this.group !== undefined) this.group.lent--;
  }

  /** The one segment sent on a shared connection is answered. */
  private rideEnded(server: ServerConnection): void {
    this.isRiding = false;
    this.server = undefined;
    this.inFlight = 0;
    const cancelled = this.cancelWanted;
    this.cancelWanted = undefined;
    this.pool.rideEnded(server);
    cancelled?.();
    if (this.phase === 'open' && this.input.hasHeld) this.input.pump();
  }

  granted(server: ServerConnection): void {
    this.isWaiting = false;
    this.attach(server);
    this.resumeAfterWait();
  }

  private resumeAfterWait(): void {
    if (this.state.isBusy) return;
    this.input.pump();
    this.mayRelease();
  }

  private attach(server: ServerConnection): void {
    this.server = server;
    server.holder = this;
    server.onNotification = (body): void => this.notifications.heard(server, body);
    this.state.prepare(server);
    if (this.phase === 'opening') this.state.openOn(server);
  }

  /** The connection could not be prepared for this session and nothing was sent on it: take another. */
  retryLease(server: ServerConnection): void {
    this.server = undefined;
    if (this.group !== undefined) this.group.lent--;
    server.holder = undefined;
    server.destroy();
    if (this.takeLease()) this.resumeAfterWait();
  }

  /** Asks for a connection although no message needs one yet. */
  requestLease(): void {
    this.takeLease();
  }

  refused(error: unknown, isFinal: boolean): void {
    this.isWaiting = false;
    if (this.phase === 'opening' || isFinal) {
      this.fail(errorMessage('FATAL', '', error));
      return;
    }
    this.input.failSegment(errorMessage('ERROR', '', error));
    this.input.pump();
  }

  /** The last message of a segment was sent. */
  segmentSent(): void {
    this.inFlight++;
  }

  /** Ends the lease if the release rule holds (§2.2). */
  mayRelease(): void {
    const { server } = this;
    if (server === undefined || this.isRiding || this.isBlocked || this.phase !== 'open') return;
    if (server.status !== TransactionStatus.Idle || !server.isQuiet || server.cancelsInFlight > 0) return;
    if (this.state.settle(server)) return;
    this.endLease(server);
    if (this.input.hasHeld) this.input.pump();
  }

  private endLease(server: ServerConnection): void {
    this.resumeServer();
    this.server = undefined;
    this.inFlight = 0;
    this.lastServer = server;
    server.lastUser = this;
    this.pool.release(server, this);
  }

  // --- ReplySink ---

  receive(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.phase === 'closed') return false;
    const isKept = this.context.toCaller.append(this.stream, bytes, start, end);
    const { maxCallerBacklogBytes } = this.context.limits;
    if (this.isRiding) {
      // Fellows must not wait for a caller that does not read: what it may leave unread is larger, then it is cut off.
      if (this.stream.bufferedBytes > 16 * maxCallerBacklogBytes) this.stream.destroy();
    } else if (this.stream.bufferedBytes > maxCallerBacklogBytes && this.server !== undefined) {
      this.isServerPaused = true;
      this.server.stream.pause();
    }
    return isKept;
  }

  private resumeServer(): void {
    if (!this.isServerPaused) return;
    this.isServerPaused = false;
    this.server?.stream.resume();
  }

  give(message: Uint8Array): void {
    if (this.phase !== 'closed') this.context.toCaller.append(this.stream, message, 0, message.length);
  }

  answered(server: ServerConnection, kind: Expect, ref: unknown, bytes: Uint8Array, start: number): void {
    if (ref !== undefined) this.forwarder.answered(server, kind, ref, bytes[start]!);
    if (this.lastWords !== undefined) this.sayLastWords();
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
    if (this.lastWords !== undefined) this.sayLastWords();
    return this.forwarder.failed(kind, action, ref, bytes, start, end);
  }

  ready(server: ServerConnection, status: number, action: Action, ref: unknown): boolean {
    if (this.isRiding && this.phase === 'closed') this.inFlight--;
    if (this.phase === 'closed' || action === Action.Swallow || action === Action.ForwardButReady) return false;
    this.inFlight--;
    if (this.forwarder.planRetry.repeats(server)) return false;
    this.forwarder.finished(server, action, ref);
    if (status === TransactionStatus.Idle && this.state.mustHoldReady(server)) return false;
    this.beforeReady(server, status);
    return true;
  }

  /** What is told before a ReadyForQuery: changed parameters, and notifications between transactions. */
  private beforeReady(server: ServerConnection, status: number): void {
    if (this.told !== server.parameters) this.tellParameters(server.parameters);
    if (status === TransactionStatus.Idle) this.notifications.flush();
  }

  private tellParameters(parameters: ParameterSet): void {
    if (this.told !== undefined) {
      for (const [name, value] of changedParameters(this.told, parameters))
        this.give(encodeParameterStatus(name, value));
    }
    this.told = parameters;
  }

  /** Gives out the ReadyForQuery that `mustHoldReady` held back. */
  giveHeldReady(server: ServerConnection): void {
    this.beforeReady(server, TransactionStatus.Idle);
    this.give(readyForQuery(TransactionStatus.Idle));
  }

  settled(server: ServerConnection): void {
    if (this.server !== server) return;
    if (this.lastWords !== undefined) this.sayLastWords();
    if (this.isRiding) {
      if (this.inFlight === 0) this.rideEnded(server);
      return;
    }
    // The connection is given away before more of this caller's input is read when others wait for it.
    if (this.pool.waiters.length > 0) {
      this.mayRelease();
      if (this.server === server && !this.isBlocked) this.input.pump();
    } else {
      this.input.pump();
      if (this.server === server) this.mayRelease();
    }
  }

  copyInStarted(server: ServerConnection, ref: unknown, voidSyncs: number): void {
    this.inFlight -= voidSyncs;
    if (this.forwarder.awaited === ref) this.forwarder.awaited = undefined;
    if (this.server === server) this.input.pump();
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
    return this.forwarder.sqlPrepared.learns(server, () => this.errandDone());
  }

  /** The engine's own work for this session (state.isBusy) is done. */
  errandDone(): void {
    if (this.phase === 'closed') return;
    this.input.pump();
    this.mayRelease();
    this.context.flush();
  }

  notify(message: Uint8Array): void {
    this.notifications.tell(message);
  }

  hasHeard(processId: number, channel: string, payload: string): boolean {
    return this.notifications.hasHeard(processId, channel, payload);
  }

  lost(server: ServerConnection, fatal: Uint8Array | undefined): void {
    if (this.server !== server) return;
    this.server = undefined;
    if (this.isRiding) {
      this.isRiding = false;
      this.pool.rideEnded(server);
    } else if (this.group !== undefined) this.group.lent--;
    if (this.phase === 'closed') return;
    this.state.serverLost();
    if (this.isFatalSent) {
      this.close();
      return;
    }
    this.fail(
      fatal ??
        errorMessage(
          'FATAL',
          '',
          new PoolError({
            code: 'server_connection_lost',
            sqlstate: '08006',
            message: 'the server connection was lost while it was in use',
            hint: 'Work that was not committed is rolled back; reconnect and repeat the transaction.',
            safeToRetry: false,
          }),
        ),
    );
  }

  // --- the end ---

  /** Says why and closes. */
  fail(message: Uint8Array): void {
    this.give(message);
    this.close();
  }

  /** The same once what was sent before is answered: Postgres reads in order, too. */
  failAfterAnswers(message: Uint8Array): void {
    const { server } = this;
    if (server === undefined || server.owed.length === 0 || server.isCopyingIn || this.isRiding) {
      this.fail(message);
      return;
    }
    this.lastWords = message;
    server.send(encodeFlush());
    this.context.clock.after(1_000, () => this.fail(message));
  }

  private sayLastWords(): void {
    queueMicrotask(() => {
      if (this.lastWords === undefined || (this.server !== undefined && this.server.owed.length > 0)) return;
      this.fail(this.lastWords);
      this.context.flush();
    });
  }

  failWith(fields: Parameters<typeof encodeErrorResponse>[0]): void {
    this.fail(encodeErrorResponse(fields));
  }

  close(): void {
    if (this.phase === 'closed') return;
    this.context.toCaller.flush();
    this.detach();
    this.stream.end();
  }

  /** A CancelRequest with this session's key. */
  cancel(): Promise<void> {
    if (this.isWaiting && this.pool.abandon(this)) {
      this.refused(
        new PoolError({
          code: 'query_cancelled',
          sqlstate: '57014',
          message: 'canceling statement due to user request',
          safeToRetry: true,
        }),
        false,
      );
      this.context.flush();
      return Promise.resolve();
    }
    const { server } = this;
    if (server !== undefined && server.riders > 1) {
      // A cancel would hit whoever runs when it arrives. Short queries were let on: it ends by itself.
      return new Promise((resolve) => {
        this.cancelWanted = resolve;
      });
    }
    if (server !== undefined && server.riders === 1) server.isDraining = true;
    if (server === undefined || (server.owed.length === 0 && server.unsynced === 0)) return Promise.resolve();
    return this.context.cancelOnServer(this.pool.target, server).finally(() => {
      if (this.server === server) this.errandDone();
    });
  }

  /** Lets go of everything but the stream. */
  private detach(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    if (this.isWaiting) this.pool.abandon(this);
    const { server } = this;
    this.state.close();
    this.input.clear();
    // What was sent on a shared connection is answered to nobody: it cannot be cancelled without hitting a fellow.
    if (server !== undefined && !this.isRiding) {
      this.resumeServer();
      this.server = undefined;
      this.state.leave(server);
    }
    this.lastServer = undefined;
    this.onClosed(this);
  }
}
