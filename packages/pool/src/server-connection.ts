/**
 * One real connection to Postgres: what was sent and is owed, and what it is known to hold. It knows nothing of pools or
 * sessions; what its answers mean is in answers.ts. Rules: reference/pooling.md §2.1, §2.2.
 */
import { encodeTerminate, ProtocolError } from '@postern/wire';
import { Answers, ReplyFault, type SyntheticReply } from './answers.ts';
import { BackendScanner, ScanError } from './backend-scanner.ts';
import type { ByteBuffer } from './byte-buffer.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Label } from './label.ts';
import type { Outbox } from './outbox.ts';
import type { ParameterSet, ParameterSets } from './parameter-set.ts';
import { Action, Expect, ReplyQueue } from './reply-queue.ts';
import type { ReplySink } from './reply-sink.ts';
import type { SendBatches } from './send-batches.ts';
import type { Statement, UnnamedStatement } from './statements.ts';
import type { Turns } from './turns.ts';

export const TransactionStatus = { Idle: 0x49, Open: 0x54, Failed: 0x45 } as const;

/** What Postgres takes the bytes on this connection for, while it owes nothing. */
export function encodingOf(server: ServerConnection): string | undefined {
  return server.parameters.values.get('client_encoding');
}

/** What a login found out. */
export interface LoginFacts {
  readonly stream: ByteStream;
  readonly processId: number;
  /** Empty when the server gave no key: then nothing is cancelled, and what is abandoned ends with the connection. */
  readonly secretKey: Uint8Array;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface NotificationTaker {
  heard(server: ServerConnection, body: Uint8Array): void;
}

export interface ServerConnectionOptions {
  readonly facts: LoginFacts;
  readonly toServer: SendBatches;
  readonly toCaller: Outbox;
  readonly parameterSets: ParameterSets;
  readonly turns: Turns;
  readonly maxMessageBytes: number;
  readonly openedAt: number;
  /** The connection is unusable: closed, or its answers are not those expected (`fault`). Called once. */
  onGone(server: ServerConnection, fault: string | undefined): void;
}

export class ServerConnection {
  readonly stream: ByteStream;
  readonly processId: number;
  readonly secretKey: Uint8Array;
  readonly openedAt: number;
  readonly owed: ReplyQueue<ReplySink> = new ReplyQueue();
  /** Server-side prepared statements and the generation under which they were prepared; least recently used first. */
  readonly prepared: Map<Statement, number> = new Map();
  /** Those among them whose rows may not look as their callers were told. */
  readonly unchecked: Set<Statement> = new Set();

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
  /** Syncs sent inside the copy under way: read as part of it, or answered if it has failed before them. */
  syncsInCopy = 0;
  /** A message was sent in part. */
  isMidMessage = false;
  cancelsInFlight = 0;
  /** Sessions that share the connection for one segment each; 0: it is lent to one, or to none. */
  riders = 0;
  /** Nobody else may join the riders. */
  isDraining = false;
  /** When the statement at the head of what is owed began, about: milliseconds on the engine's clock. */
  headSince = 0;
  /** Milliseconds that the one before took, at the least. */
  tookMs = 0;
  /** What is to be sent at the end of the turn. */
  batch: ByteBuffer | undefined;
  /** What those who share the connection are expected to take altogether: milliseconds. */
  owedMs = 0;
  parameters: ParameterSet;

  /** Whose unnamed statement the server holds; null: it holds none; undefined: not known. */
  unnamed: UnnamedStatement | null | undefined = null;
  /** The settings known to be in force when the connection is between leases. */
  label: Label;
  /** Traces were left that no label describes. */
  isDirty = false;
  /** PREPARE may have run out of sight, in the code of a session that is gone. */
  mayHaveStrangeStatements = false;
  /** Who used it last, for affinity. */
  lastUser: unknown;
  idleSince: number;
  /** In the set it is in (server-set.ts). */
  place = 0;
  isGone = false;
  /** Not only opened to verify an identity. */
  wasLent = false;
  /** Not to be lent again. */
  isSuspect = false;
  /** The FATAL ErrorResponse that announced the end. */
  fatal: Uint8Array | undefined;
  /** Told of the end and of drains, besides the sinks that are owed answers. */
  holder: ReplySink | undefined;

  /** Takes NotificationResponse bodies (borrowed). */
  onNotification: NotificationTaker | undefined;

  readonly turns: Turns;
  private readonly options: ServerConnectionOptions;
  private readonly scanner: BackendScanner;

  constructor(options: ServerConnectionOptions, label: Label) {
    this.options = options;
    this.turns = options.turns;
    this.label = label;
    this.stream = options.facts.stream;
    this.processId = options.facts.processId;
    this.secretKey = options.facts.secretKey;
    this.openedAt = options.openedAt;
    this.idleSince = options.openedAt;
    this.parameters = options.parameterSets.intern(options.facts.parameters);
    this.scanner = new BackendScanner(new Answers(this, options.parameterSets), options.maxMessageBytes);
    this.stream.onData = (bytes): boolean => this.onData(bytes);
    this.stream.onDrain = (): void => this.holder?.serverDrained(this);
    this.stream.onClose = (): void => this.gone(undefined);
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

  /** What Postgres is at, or comes to next, is one of the engine's own errands for `holder`, not what that sent. */
  isOnErrandFor(holder: ReplySink): boolean {
    return this.owed.length > 0 && this.owed.sink !== holder;
  }

  send(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.options.toServer.append(this, bytes, start, end);
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
      if (this.segmentsOwed++ === 0) this.headSince = this.turns.startedAt;
    }
  }

  /** Sends one of the engine's own queries; its answers go to `sink`, as swallowed. Only between segments. */
  sendQuery(message: Uint8Array, sink: ReplySink, action: Action = Action.Swallow): void {
    this.send(message);
    this.unnamed = null;
    this.expect(Expect.Query, action, sink, undefined);
  }

  /**
   * Says goodbye; for a connection that owes nothing. `closed` is called when Postgres has closed its side, or had time
   * enough to.
   */
  close(closed?: () => void): void {
    if (this.isGone) return;
    this.send(encodeTerminate());
    this.options.toServer.sendOne(this);
    this.isGone = true;
    if (closed !== undefined) this.stream.onClose = closed;
    this.stream.end();
  }

  destroy(): void {
    this.gone(undefined);
  }

  private onData(bytes: Uint8Array): boolean {
    if (this.isGone) return false;
    this.turns.begin();
    let isKept = false;
    try {
      isKept = this.scanner.push(bytes);
    } catch (error) {
      if (!(error instanceof ReplyFault || error instanceof ScanError || error instanceof ProtocolError)) throw error;
      this.gone(error.message);
    }
    this.options.toCaller.flush();
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
}
