/**
 * An open WebSocket as a byte stream, over the byte stream of its socket. Only binary messages are bytes; where one ends
 * means nothing. Anything else a peer may send is a violation: it gets a Postgres ErrorResponse, which its client shows,
 * and then a close code. The handshake is node/websocket-upgrade.ts; what frames are is frame-reader.ts.
 */
import { GatewayError } from '@postern/contract';
import type { ByteStream, Clock, StreamSecurity, Timer } from '@postern/pool';
import { encodeErrorResponse } from '@postern/wire';
import { refusalOf } from '../startup/refusal.ts';
import { type FrameHandler, FrameReader } from './frame-reader.ts';
import { encodeCloseFrame, encodeFrame, encodeFrameHeader, FrameCode, FrameMemory } from './server-frames.ts';

/** What carries the frames: the socket's bytes. */
export interface FrameTransport extends ByteStream {
  /** Writes both in one go. Returns what `write` would have returned for both; `head` is the stream's from now on. */
  writeBehind(head: Uint8Array, bytes: Uint8Array): boolean;
  /** Bytes the peer's machine, or at least our kernel, has taken. */
  readonly sentBytes: number;
}

/** What is the same for all WebSockets of a frontend. */
export interface WebSocketSettings {
  readonly clock: Clock;
  /** How long a peer may take to answer our close frame, and to close. */
  readonly closeTimeoutMs: number;
  /** Where frames are put together; shared. */
  readonly memory: FrameMemory;
  /** The close code of an ordinary end. */
  endCode(): number;
}

/** What one WebSocket tells its owner, apart from the stream's own events. */
export interface WebSocketOwner {
  /** The peer broke the rules; it has been told, and the connection is closing. */
  violated(error: GatewayError): void;
  /** The connection is gone, whoever owned the stream by then. */
  gone(): void;
}

export interface WebSocketStreamOptions {
  readonly transport: FrameTransport;
  readonly settings: WebSocketSettings;
  readonly owner: WebSocketOwner;
  readonly security: StreamSecurity;
  readonly maxMessageBytes: number;
  /** Whether a peer that breaks the rules is told in an ErrorResponse; where bytes are frames it would be taken for one. */
  readonly tellsViolations: boolean;
}

export interface WebSocketStream extends ByteStream {
  /** Called with the size of whatever arrives, before it is looked at. */
  onReceived: ((count: number) => void) | undefined;
  /** Takes bytes of the connection (they are written to): what came with the upgrade request. */
  receive(bytes: Uint8Array): void;
  /** Sends what was written, then closes with a code. */
  endWith(code: number, reason: string): void;
  /** Pings, or gives up a peer that has been silent since the last ping. */
  beat(): void;
}

/** Neon's driver takes in large frames three times faster than 1 KiB ones (reference/neon-wire.md §2.2). */
const maxFrameBytes = 65_536;
/** Messages up to this length are put together with their header, longer ones follow it. */
const maxJoinedBytes = 16_384;
/** A close reason is at most 123 bytes (RFC 6455 §5.5); ours are mostly ASCII. */
const maxReasonCharacters = 100;
const unsupportedData = 1003;
const messageTooBig = 1009;

/** Memory for `WebSocketSettings`. */
export function createFrameMemory(allocate: (bytes: number) => Uint8Array): FrameMemory {
  return new FrameMemory(allocate, maxJoinedBytes);
}

/** A stream over an open WebSocket. From here on only the stream may use the transport. */
export function createWebSocketStream(options: WebSocketStreamOptions): WebSocketStream {
  return new FramedStream(options);
}

// A class, so that ten thousand idle callers share their functions.
class FramedStream implements WebSocketStream, FrameHandler {
  onData: ByteStream['onData'] = undefined;
  onDrain: ByteStream['onDrain'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  onReceived: WebSocketStream['onReceived'] = undefined;
  readonly security: StreamSecurity;
  private readonly transport: FrameTransport;
  private readonly settings: WebSocketSettings;
  private readonly owner: WebSocketOwner;
  private readonly tellsViolations: boolean;
  private readonly maxMessageBytes: number;
  private readonly reader: FrameReader;
  /** `closing`: our close frame is sent. `ending`: nothing more is read either. */
  private state: 'open' | 'closing' | 'ending' | 'closed' = 'open';
  private error: Error | undefined;
  private hasPeerClosed = false;
  private isPaused = false;
  /** The latest ping, while answers would pile up (RFC 6455 §5.5.3: only the latest need be answered). */
  private pingOwed: Uint8Array | undefined;
  private closeTimer: Timer | undefined;
  private wasHeard = true;
  private lastSentBytes = 0;

  constructor(options: WebSocketStreamOptions) {
    const { transport } = options;
    this.transport = transport;
    this.settings = options.settings;
    this.owner = options.owner;
    this.security = options.security;
    this.tellsViolations = options.tellsViolations;
    this.maxMessageBytes = options.maxMessageBytes;
    this.reader = new FrameReader(this, options.maxMessageBytes);
    transport.onData = (bytes): undefined => this.receive(bytes);
    transport.onDrain = (): void => this.drained();
    transport.onClose = (error): void => this.closed(error);
  }

  get bufferedBytes(): number {
    return this.transport.bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (this.state !== 'open' || length === 0) return true;
    const { transport } = this;
    if (length <= maxJoinedBytes) {
      const { memory } = this.settings;
      // Behind a backlog the frame would be kept: then in memory of its own size.
      if (transport.bufferedBytes > 0) transport.write(encodeFrame(FrameCode.Binary, bytes));
      else if (!transport.write(memory.encode(bytes))) memory.giveAway();
      return true;
    }
    let isTaken = true;
    for (let at = 0; at < length; at += maxFrameBytes) {
      const end = Math.min(at + maxFrameBytes, length);
      const part = at === 0 && end === length ? bytes : bytes.subarray(at, end);
      if (!transport.writeBehind(encodeFrameHeader(end - at), part)) isTaken = false;
    }
    return isTaken;
  }

  private drained(): void {
    if (this.pingOwed !== undefined && this.state === 'open') {
      const payload = this.pingOwed;
      this.pingOwed = undefined;
      this.transport.write(encodeFrame(FrameCode.Pong, payload));
    }
    if (this.state === 'open') this.onDrain?.();
  }

  receive(bytes: Uint8Array): undefined {
    this.wasHeard = true;
    this.onReceived?.(bytes.length);
    this.reader.push(bytes);
  }

  pause(): void {
    this.isPaused = true;
    this.transport.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.transport.resume();
  }

  beat(): void {
    const { bufferedBytes, sentBytes } = this.transport;
    // A peer we do not listen to cannot be heard, and one that is busy taking our bytes is not dead.
    const isExcused = this.isPaused || (bufferedBytes > 0 && sentBytes !== this.lastSentBytes);
    this.lastSentBytes = sentBytes;
    if (!this.wasHeard && !isExcused) {
      this.destroy(new Error('the caller did not answer a ping'));
      return;
    }
    this.wasHeard = false;
    if (this.state === 'open') this.transport.write(encodeFrame(FrameCode.Ping, noBytes));
  }

  // --- frames ---

  onBytes(bytes: Uint8Array): void {
    if (this.state === 'open') this.onData?.(bytes);
  }

  onText(): void {
    const what = 'a text message arrived on the WebSocket; only binary messages carry the protocol';
    this.violated(new GatewayError('text_frame', what), unsupportedData, 'binary messages only');
  }

  onPing(payload: Uint8Array): void {
    if (this.state !== 'open') return;
    if (this.transport.bufferedBytes > 0) this.pingOwed = new Uint8Array(payload);
    else this.transport.write(encodeFrame(FrameCode.Pong, payload));
  }

  // That something was heard is all that counts.
  onPong(): void {}

  onCloseFrame(code: number, reason: Uint8Array): void {
    this.hasPeerClosed = true;
    if (this.state === 'open') this.sayGoodbye(encodeCloseFrame(code, reason));
    this.finish();
  }

  onViolation(closeCode: number): void {
    this.violated(this.explain(closeCode), closeCode, '');
  }

  private explain(closeCode: number): GatewayError {
    if (closeCode === messageTooBig) {
      return new GatewayError(
        'message_too_large',
        `a WebSocket message exceeds the limit of ${this.maxMessageBytes} bytes`,
        { hint: 'Send it in several WebSocket messages; where one ends means nothing.' },
      );
    }
    return new GatewayError('protocol_violation', 'a WebSocket frame breaks the rules of RFC 6455');
  }

  private violated(error: GatewayError, closeCode: number, reason: string): void {
    if (this.state === 'open') {
      this.error ??= error;
      if (this.tellsViolations) this.write(encodeErrorResponse(refusalOf(error).fields));
      this.sayGoodbye(encodeCloseFrame(closeCode, reason));
      this.owner.violated(error);
    }
    this.finish();
  }

  // --- the end ---

  end(): void {
    this.endWith(this.settings.endCode(), '');
  }

  endWith(code: number, reason: string): void {
    if (this.state !== 'open') return;
    this.sayGoodbye(encodeCloseFrame(code, reason.slice(0, maxReasonCharacters)));
  }

  destroy(error?: Error): void {
    this.error ??= error;
    if (this.state !== 'closed') this.state = 'ending';
    this.reader.stop();
    this.transport.destroy(error);
  }

  /** The last frame we send. Nothing more is read for the owner; the peer's close frame still has to come through. */
  private sayGoodbye(closeFrame: Uint8Array): void {
    this.state = 'closing';
    this.pingOwed = undefined;
    this.transport.write(closeFrame);
    this.isPaused = false;
    this.transport.resume();
    this.closeTimer = this.settings.clock.after(this.settings.closeTimeoutMs, () => this.transport.destroy());
  }

  /** Both have said goodbye, or the peer makes no sense. */
  private finish(): void {
    if (this.state !== 'closing') return;
    this.state = 'ending';
    this.transport.end();
  }

  private closed(error: Error | undefined): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.reader.stop();
    this.closeTimer?.cancel();
    const { onClose } = this;
    this.onData = undefined;
    this.onDrain = undefined;
    this.onClose = undefined;
    this.onReceived = undefined;
    const reason = this.error ?? error;
    onClose?.(reason ?? (this.hasPeerClosed ? undefined : new Error('the WebSocket broke without a close frame')));
    this.owner.gone();
  }
}

const noBytes: Uint8Array = new Uint8Array(0);
