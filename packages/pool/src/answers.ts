/**
 * The answers of one server connection: the table of which message answers what. Each goes to the sink of the
 * expected-reply entry it pops; what was not expected ends the connection. Rules: reference/pooling.md §2.1, §2.7, §2.15.
 */
import { BackendCode, decodeParameterStatus } from '@postern/wire';
import { type BackendHandler, Verdict } from './backend-scanner.ts';
import { isFatalResponse } from './error-message.ts';
import type { ParameterSets } from './parameter-set.ts';
import { Action, Expect, type ReplyQueue } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
import type { ServerConnection } from './server-connection.ts';

/** A reply made by the engine, with what to undo should it be skipped. */
export interface SyntheticReply {
  readonly bytes: Uint8Array;
  readonly undo?: (() => void) | undefined;
}

/** The peer answered what nobody asked: the connection's state is not known any more. */
export class ReplyFault extends Error {}

export class Answers implements BackendHandler {
  private readonly server: ServerConnection;
  private readonly owed: ReplyQueue<ReplySink>;
  private readonly parameterSets: ParameterSets;
  /** Who gets the run of messages under way. */
  private runSink: ReplySink | undefined;
  /** Who is told that its segment is over, once the ReadyForQuery has been given out. */
  private settledSink: ReplySink | undefined;
  private changedParameters: Map<string, string> | undefined;
  /** A copy from the caller is under way or was refused: its end is, or will be, among what was sent. */
  private hasCopyBegun = false;
  /** What was to be counted has come. */
  private isCounted = false;

  constructor(server: ServerConnection, parameterSets: ParameterSets) {
    this.server = server;
    this.owed = server.owed;
    this.parameterSets = parameterSets;
  }

  forward(bytes: Uint8Array, start: number, end: number): boolean {
    return this.runSink?.receive(bytes, start, end) ?? false;
  }

  afterRun(): void {
    this.giveSynthetic();
    const sink = this.settledSink;
    if (sink !== undefined) {
      this.settledSink = undefined;
      sink.settled(this.server);
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
        if (owed.action === Action.Count) this.isCounted = true;
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
        const sink = owed.length > 0 ? owed.sink : this.server.holder;
        if (sink === undefined || (owed.length > 0 && owed.action === Action.Swallow)) return Verdict.Drop;
        this.runSink = sink;
        return Verdict.Forward;
      }
      case BackendCode.ParameterStatus: {
        const { name, value } = decodeParameterStatus(bytes.subarray(start + 5, end));
        this.changedParameters ??= new Map(this.server.parameters.values);
        this.changedParameters.set(name, value);
        if (owed.length === 0) this.settleParameters();
        return Verdict.Drop;
      }
      case BackendCode.NotificationResponse:
        // Only the listening connection has a taker: elsewhere they belong to whoever used the connection before.
        this.server.onNotification?.heard(this.server, bytes.subarray(start + 5, end));
        return Verdict.Drop;
      default:
        return this.fault(code);
    }
  }

  private settleParameters(): void {
    if (this.changedParameters === undefined) return;
    this.server.parameters = this.parameterSets.intern(this.changedParameters);
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
    sink.answered(this.server, kind, ref, bytes, start, end);
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
    const { owed, server } = this;
    const kind = owed.kind;
    if (kind !== Expect.Sync && kind !== Expect.Query && kind !== Expect.FunctionCall) {
      this.fault(BackendCode.ReadyForQuery);
    }
    const { sink, ref } = owed;
    const action = owed.action as Action;
    if (action === Action.Count) {
      if (!this.isCounted) {
        server.status = status;
        sink.ready(server, status, action, ref);
        return Verdict.Drop;
      }
      this.isCounted = false;
    }
    owed.pop();
    server.tookMs = Math.max(0, server.turns.arrivedAfter - server.headSince);
    server.headSince = server.turns.startedAt;
    server.segmentsOwed--;
    server.status = status;
    server.isCopyingIn = false;
    this.settleParameters();
    this.runSink = sink;
    this.settledSink = sink;
    if (sink.ready(server, status, action, ref)) return Verdict.ForwardThenCall;
    this.afterRun();
    return Verdict.Drop;
  }

  private errorResponse(bytes: Uint8Array, start: number, end: number): Verdict {
    const { owed, server } = this;
    const syncsInCopy = this.hasCopyBegun ? server.syncsInCopy : 0;
    server.isCopyingIn = false;
    server.syncsInCopy = 0;
    this.hasCopyBegun = false;
    if (isFatalResponse(bytes, start)) server.fatal = bytes.slice(start, end);
    if (owed.length === 0) {
      // Nobody asked: the server says why it will close. Lent to nobody, it must not be lent any more.
      if (server.holder === undefined) {
        server.destroy();
        return Verdict.Drop;
      }
      this.runSink = server.holder;
      return server.holder.failed(server, Expect.Sync, Action.Forward, undefined, bytes, start, end)
        ? Verdict.Forward
        : Verdict.Drop;
    }
    const { sink, ref } = owed;
    const action = owed.action as Action;
    const kind = owed.kind as Expect;
    this.runSink = sink;
    const isForwarded = sink.failed(server, kind, action, ref, bytes, start, end);
    if (kind !== Expect.Sync && kind !== Expect.Query && kind !== Expect.FunctionCall) this.skipToSync();
    if (syncsInCopy > 0) sink.copyInFailed(server, kind);
    return isForwarded ? Verdict.Forward : Verdict.Drop;
  }

  /** Drops every expectation up to the next Sync: Postgres discards those messages, Query and FunctionCall included. */
  private skipToSync(): void {
    const { owed } = this;
    let count = 0;
    while (count < owed.length && owed.kindAt(count) !== Expect.Sync) count++;
    for (let i = count - 1; i >= 0; i--) {
      owed.sinkAt(i).revoked(this.server, owed.kindAt(i) as Expect, owed.refAt(i), i === 0);
    }
    for (let i = 0; i < count; i++) {
      if (owed.kind === Expect.Query || owed.kind === Expect.FunctionCall) this.server.segmentsOwed--;
      owed.pop();
    }
    if (owed.length === 0) this.server.isSkipping = true;
  }

  private startCopyIn(code: number): void {
    const { owed, server } = this;
    if (owed.kind !== Expect.Execute && owed.kind !== Expect.Query) this.fault(code);
    // Syncs sent before the copy's end are swallowed by Postgres without an answer (§2.7).
    let voidSyncs = 0;
    let i = 1;
    while (i < owed.length && owed.kindAt(i) !== Expect.CopyEnd) {
      if (owed.kindAt(i) === Expect.Sync) {
        owed.removeAt(i);
        voidSyncs++;
      } else i++;
    }
    server.segmentsOwed -= voidSyncs;
    this.hasCopyBegun = true;
    server.syncsInCopy = 0;
    server.isCopyingIn = i === owed.length;
    if (owed.kind === Expect.Execute && server.segmentsOwed === 0) server.unsynced = 1;
    owed.sink.copyInStarted(server, owed.ref, voidSyncs);
  }

  /** A statement completed: if it was a copy, the end that was sent for it has been read. */
  private endCopyIn(): void {
    this.server.isCopyingIn = false;
    if (!this.hasCopyBegun) return;
    this.hasCopyBegun = false;
    this.server.syncsInCopy = 0;
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
