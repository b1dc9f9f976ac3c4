/**
 * One real connection to Postgres: what it owes, what it is known to hold, and the table of which message answers what.
 * It knows nothing of pools or sessions: answers go to the sink of the expected-reply entry they pop.
 * Rules: reference/pooling.md §2.1, §2.2, §2.7, §2.15.
 */
import { BackendCode, decodeParameterStatus, encodeTerminate } from '@postern/wire';
import { BackendScanner, ScanError, Verdict } from './backend-scanner.ts';
import type { ByteStream } from './byte-stream.ts';
import { isFatalResponse } from './error-message.ts';
import type { Label } from './label.ts';
import type { Outbox } from './outbox.ts';
import type { ParameterSet, ParameterSets } from './parameter-set.ts';
import { Action, Expect, ReplyQueue } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
import type { Statement, UnnamedStatement } from './statements.ts';

export const TransactionStatus = { Idle: 0x49, Open: 0x54, Failed: 0x45 } as const;

/** What a login found out. */
export interface LoginFacts {
  readonly stream: ByteStream;
  readonly processId: number;
  /** Empty when the server gave no key: then a cancel closes the connection. */
  readonly secretKey: Uint8Array;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface ServerConnectionOptions {
  readonly facts: LoginFacts;
  readonly toServer: Outbox;
  readonly parameterSets: ParameterSets;
  readonly maxMessageBytes: number;
  readonly openedAt: number;
  /** The connection is unusable: closed, or its answers are not those expected (`fault`). Called once. */
  onGone(server: ServerConnection, fault: string | undefined): void;
  /** Gathers what several sessions send, to go out in one write. */
  sendSoon(server: ServerConnection, bytes: Uint8Array, start: number, end: number): void;
  now(): number;
  /** Everything a chunk caused has been gathered: send it. */
  afterData(): void;
}

/** Why a connection is closed although nobody asked for it: its answers are not what is owed. */
class ReplyFault extends Error {}

export class ServerConnection {
  readonly stream: ByteStream;
  readonly processId: number;
  readonly secretKey: Uint8Array;
  readonly openedAt: number;
  readonly owed: ReplyQueue<ReplySink> = new ReplyQueue();
  /** Server-side prepared statements and the generation under which they were prepared; least recently used first. */
  readonly prepared: Map<Statement, number> = new Map();

  status: number = TransactionStatus.Idle;
  /** Extended-protocol messages sent behind the last Sync, Query or FunctionCall. */
  unsynced = 0;
  /** Executes among them. */
  executesUnsynced = 0;
  /** ReadyForQuery messages owed. */
  segmentsOwed = 0;
  /** After an error of the extended protocol, until the Sync that is not yet sent. */
  isSkipping = false;
  isCopyingIn = false;
  /** A message was sent in part. */
  isMidMessage = false;
  cancelsInFlight = 0;
  /** Sessions that share the connection for one segment each; 0: it is lent to one, or to none. */
  riders = 0;
  /** Nobody else may join the riders. */
  isDraining = false;
  /** When the statement at the head of what is owed began, about. */
  headSince = 0;
  parameters: ParameterSet;

  /** Whose unnamed statement the server holds; null: it holds none; undefined: not known. */
  unnamed: UnnamedStatement | null | undefined = null;
  /** The settings known to be in force when the connection is between leases. */
  label: Label;
  /** Traces were left that no label describes. */
  isDirty = false;
  /** Who used it last, for affinity. */
  lastUser: unknown;
  /** Who last ran something that may have sent notifications: they show its virtual process id. */
  notifier: unknown;
  idleSince: number;
  isGone = false;
  /** Not to be lent again. */
  isSuspect = false;
  /** The FATAL ErrorResponse that announced the end. */
  fatal: Uint8Array | undefined;
  /** Told of the end and of drains, besides the sinks that are owed answers. */
  holder: ReplySink | undefined;

  /** A copy from the caller is under way or was refused: its end is, or will be, among what was sent. */
  private hasCopyBegun = false;
  /** Takes NotificationResponse bodies (borrowed). */
  onNotification: ((body: Uint8Array) => void) | undefined;

  private readonly options: ServerConnectionOptions;
  private readonly scanner: BackendScanner;
  private runSink: ReplySink | undefined;
  private settledSink: ReplySink | undefined;
  private changedParameters: Map<string, string> | undefined;

  constructor(options: ServerConnectionOptions, label: Label) {
    this.options = options;
    this.label = label;
    this.stream = options.facts.stream;
    this.processId = options.facts.processId;
    this.secretKey = options.facts.secretKey;
    this.openedAt = options.openedAt;
    this.idleSince = options.openedAt;
    this.parameters = options.parameterSets.intern(options.facts.parameters);
    this.scanner = new BackendScanner(this, options.maxMessageBytes);
    this.stream.onData = (bytes): boolean => this.onData(bytes);
    this.stream.onDrain = (): void => {
      this.holder?.serverDrained(this);
      options.afterData();
    };
    this.stream.onClose = (): void => {
      this.gone(undefined);
      options.afterData();
    };
  }

  /** Nothing owed, nothing half sent: the state in which a lease may end if the status is Idle too. */
  get isQuiet(): boolean {
    return (
      this.owed.length === 0 &&
      this.unsynced === 0 &&
      !this.isCopyingIn &&
      !this.isMidMessage &&
      !this.isSkipping &&
      !this.scanner.isMidMessage
    );
  }

  send(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
    if (this.riders > 0) {
      this.options.sendSoon(this, bytes, start, end);
      return false;
    }
    return this.options.toServer.append(this.stream, bytes, start, end);
  }

  /** Notes that the message just sent will be answered. */
  expect(kind: Expect, action: Action, sink: ReplySink, ref: unknown): void {
    if (kind === Expect.Synthetic && this.owed.length === 0) {
      const { bytes } = ref as SyntheticReply;
      sink.receive(bytes, 0, bytes.length);
      return;
    }
    this.owed.push(kind, action, sink, ref);
    if (kind === Expect.Sync || kind === Expect.Query || kind === Expect.FunctionCall) {
      this.unsynced = 0;
      this.executesUnsynced = 0;
      if (this.segmentsOwed++ === 0) this.headSince = this.options.now();
    }
  }

  /** Sends one of the engine's own queries; its answers go to `sink`, as swallowed. Only between segments. */
  sendQuery(message: Uint8Array, sink: ReplySink, action: Action = Action.Swallow): void {
    this.send(message);
    this.unnamed = null;
    this.expect(Expect.Query, action, sink, undefined);
  }

  /** Says goodbye; for a connection that owes nothing. */
  close(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.stream.write(encodeTerminate());
    this.stream.end();
  }

  destroy(): void {
    this.gone(undefined);
  }

  private onData(bytes: Uint8Array): boolean {
    if (this.isGone) return false;
    let isKept = false;
    try {
      isKept = this.scanner.push(bytes);
    } catch (error) {
      if (!(error instanceof ReplyFault || error instanceof ScanError)) throw error;
      this.gone(error.message);
    }
    this.options.afterData();
    return isKept;
  }

  private gone(fault: string | undefined): void {
    if (this.isGone) return;
    this.isGone = true;
    this.stream.destroy();
    const sinks = new Set<ReplySink>();
    if (this.holder !== undefined) sinks.add(this.holder);
    for (let i = 0; i < this.owed.length; i++) sinks.add(this.owed.sinkAt(i));
    this.options.onGone(this, fault);
    for (const sink of sinks) sink.lost(this, this.fatal);
  }

  // --- BackendHandler ---

  forward(bytes: Uint8Array, start: number, end: number): boolean {
    return this.runSink?.receive(bytes, start, end) ?? false;
  }

  afterRun(): void {
    this.giveSynthetic();
    const sink = this.settledSink;
    if (sink !== undefined) {
      this.settledSink = undefined;
      sink.settled(this);
    }
  }

  onRowHeader(code: number): Verdict {
    const { owed } = this;
    if (owed.kind !== Expect.Execute && owed.kind !== Expect.Query) this.fault(code);
    this.runSink = owed.sink;
    return owed.action === Action.Forward || owed.action === Action.ForwardButReady ? Verdict.Forward : Verdict.Drop;
  }

  onMessage(code: number, bytes: Uint8Array, start: number, end: number): Verdict {
    const { owed } = this;
    const kind = owed.kind;
    switch (code) {
      case BackendCode.ParseComplete:
        return this.pop(code, kind === Expect.Parse, bytes, start, end);
      case BackendCode.BindComplete:
        return this.pop(code, kind === Expect.Bind, bytes, start, end);
      case BackendCode.CloseComplete:
        return this.pop(code, kind === Expect.Close, bytes, start, end);
      case BackendCode.NoData:
        return this.pop(code, kind === Expect.Describe, bytes, start, end);
      case BackendCode.ParameterDescription:
        return this.pass(code, kind === Expect.Describe);
      case BackendCode.RowDescription:
        if (kind === Expect.Query) return this.pass(code, true);
        return this.pop(code, kind === Expect.Describe, bytes, start, end);
      case BackendCode.CommandComplete:
      case BackendCode.EmptyQueryResponse:
        if (kind === Expect.Query) {
          this.endCopyIn();
          owed.sink.completed(owed.ref);
          return this.pass(code, true);
        }
        this.endCopyIn();
        return this.pop(code, kind === Expect.Execute, bytes, start, end);
      case BackendCode.PortalSuspended:
        return this.pop(code, kind === Expect.Execute, bytes, start, end);
      case BackendCode.CopyInResponse:
      case BackendCode.CopyBothResponse:
        this.startCopyIn(code);
        return this.pass(code, true);
      case BackendCode.CopyOutResponse:
      case BackendCode.CopyDone:
        return this.pass(code, kind === Expect.Execute || kind === Expect.Query);
      case BackendCode.FunctionCallResponse:
        return this.pass(code, kind === Expect.FunctionCall);
      case BackendCode.ReadyForQuery:
        return this.readyForQuery(bytes[start + 5]!);
      case BackendCode.ErrorResponse:
        return this.errorResponse(bytes, start, end);
      case BackendCode.NoticeResponse: {
        const sink = owed.length > 0 ? owed.sink : this.holder;
        if (sink === undefined || (owed.length > 0 && owed.action === Action.Swallow)) return Verdict.Drop;
        this.runSink = sink;
        return Verdict.Forward;
      }
      case BackendCode.ParameterStatus: {
        const { name, value } = decodeParameterStatus(bytes.subarray(start + 5, end));
        this.changedParameters ??= new Map(this.parameters.values);
        this.changedParameters.set(name, value);
        if (owed.length === 0) this.settleParameters();
        return Verdict.Drop;
      }
      case BackendCode.NotificationResponse:
        // Only the listening connection has a taker: elsewhere they belong to whoever used the connection before.
        this.onNotification?.(bytes.subarray(start + 5, end));
        return Verdict.Drop;
      default:
        return this.fault(code);
    }
  }

  private settleParameters(): void {
    if (this.changedParameters === undefined) return;
    this.parameters = this.options.parameterSets.intern(this.changedParameters);
    this.changedParameters = undefined;
  }

  private pass(code: number, isExpected: boolean): Verdict {
    if (!isExpected) this.fault(code);
    const { owed } = this;
    this.runSink = owed.sink;
    return owed.action === Action.Forward || owed.action === Action.ForwardButReady ? Verdict.Forward : Verdict.Drop;
  }

  private pop(code: number, isExpected: boolean, bytes: Uint8Array, start: number, end: number): Verdict {
    if (!isExpected) this.fault(code);
    const { owed } = this;
    const { sink, action, ref } = owed;
    const kind = owed.kind as Expect;
    owed.pop();
    this.runSink = sink;
    sink.answered(this, kind, ref, bytes, start, end);
    const next = owed.kind;
    if (action === Action.Swallow) {
      if (next === Expect.Synthetic || next === Expect.CopyEnd) this.giveSynthetic();
      return Verdict.Drop;
    }
    return next === Expect.Synthetic || next === Expect.CopyEnd ? Verdict.ForwardThenCall : Verdict.Forward;
  }

  private giveSynthetic(): void {
    const { owed } = this;
    while (owed.kind === Expect.Synthetic || owed.kind === Expect.CopyEnd) {
      const { kind, sink } = owed;
      const ref = owed.ref as SyntheticReply | undefined;
      owed.pop();
      if (kind === Expect.Synthetic) sink.receive(ref!.bytes, 0, ref!.bytes.length);
    }
  }

  private readyForQuery(status: number): Verdict {
    const { owed } = this;
    const kind = owed.kind;
    if (kind !== Expect.Sync && kind !== Expect.Query && kind !== Expect.FunctionCall) {
      this.fault(BackendCode.ReadyForQuery);
    }
    const { sink, ref } = owed;
    const action = owed.action as Action;
    owed.pop();
    if (--this.segmentsOwed > 0) this.headSince = this.options.now();
    this.status = status;
    this.isCopyingIn = false;
    this.settleParameters();
    this.runSink = sink;
    this.settledSink = sink;
    if (sink.ready(this, status, action, ref)) return Verdict.ForwardThenCall;
    this.afterRun();
    return Verdict.Drop;
  }

  private errorResponse(bytes: Uint8Array, start: number, end: number): Verdict {
    const { owed } = this;
    this.isCopyingIn = false;
    this.hasCopyBegun = false;
    if (isFatalResponse(bytes, start)) this.fatal = bytes.slice(start, end);
    if (owed.length === 0) {
      // Nobody asked: the server says why it will close.
      if (this.holder === undefined) return Verdict.Drop;
      this.runSink = this.holder;
      return this.holder.failed(this, Expect.Sync, Action.Forward, undefined, bytes, start, end)
        ? Verdict.Forward
        : Verdict.Drop;
    }
    const { sink, ref } = owed;
    const action = owed.action as Action;
    const kind = owed.kind as Expect;
    this.runSink = sink;
    const isForwarded = sink.failed(this, kind, action, ref, bytes, start, end);
    if (kind !== Expect.Sync && kind !== Expect.Query && kind !== Expect.FunctionCall) this.skipToSync();
    return isForwarded ? Verdict.Forward : Verdict.Drop;
  }

  /** Drops every expectation up to the next Sync: Postgres discards those messages, Query and FunctionCall included. */
  private skipToSync(): void {
    const { owed } = this;
    let count = 0;
    while (count < owed.length && owed.kindAt(count) !== Expect.Sync) count++;
    for (let i = count - 1; i >= 0; i--) {
      owed.sinkAt(i).revoked(this, owed.kindAt(i) as Expect, owed.refAt(i), i === 0);
    }
    for (let i = 0; i < count; i++) {
      if (owed.kind === Expect.Query || owed.kind === Expect.FunctionCall) this.segmentsOwed--;
      owed.pop();
    }
    if (owed.length === 0) this.isSkipping = true;
  }

  private startCopyIn(code: number): void {
    const { owed } = this;
    if (owed.kind !== Expect.Execute && owed.kind !== Expect.Query) this.fault(code);
    // Syncs sent before the copy's end are swallowed by Postgres without an answer (§2.7).
    const { segmentsOwed } = this;
    let i = 1;
    while (i < owed.length && owed.kindAt(i) !== Expect.CopyEnd) {
      if (owed.kindAt(i) === Expect.Sync) {
        owed.removeAt(i);
        this.segmentsOwed--;
      } else i++;
    }
    this.hasCopyBegun = true;
    this.isCopyingIn = i === owed.length;
    if (owed.kind === Expect.Execute && this.segmentsOwed === 0) this.unsynced = 1;
    owed.sink.copyInStarted(this, owed.ref, segmentsOwed - this.segmentsOwed);
  }

  /** A statement completed: if it was a copy, the end that was sent for it has been read. */
  private endCopyIn(): void {
    this.isCopyingIn = false;
    if (!this.hasCopyBegun) return;
    this.hasCopyBegun = false;
    for (let i = 1; i < this.owed.length; i++) {
      if (this.owed.kindAt(i) !== Expect.CopyEnd) continue;
      this.owed.removeAt(i);
      return;
    }
  }

  private fault(code: number): never {
    throw new ReplyFault(`unexpected message ${String.fromCharCode(code)} of Postgres`);
  }
}

/** A reply made by the engine, with what to undo should it be skipped. */
export interface SyntheticReply {
  readonly bytes: Uint8Array;
  readonly undo?: (() => void) | undefined;
}
