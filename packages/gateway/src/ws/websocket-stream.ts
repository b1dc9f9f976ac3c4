/**
 * A WebSocket as a byte stream. Only binary messages are bytes; where one ends means nothing. Anything else a peer may
 * send is a violation: it gets a Postgres ErrorResponse, which its client shows, and then a close code.
 */
import { GatewayError } from '@postern/contract';
import type { ByteStream, StreamSecurity } from '@postern/pool';
import { encodeErrorResponse } from '@postern/wire';
import { WebSocket } from 'ws';
import { refusalOf } from '../startup/refusal.ts';

/** What is known about the socket below, to tell a slow peer from a dead one. */
export interface TransportProgress {
  readonly bytesWritten: number;
  readonly writableLength: number;
  write(bytes: Uint8Array, onWritten: () => void): boolean;
}

export interface WebSocketStreamOptions {
  security: StreamSecurity;
  transport: TransportProgress;
  /** The socket below encrypts: what it is given at rest it copies at once. */
  isTls: boolean;
  maxMessageBytes: number;
  /** Whether a peer that breaks the rules is told in an ErrorResponse; where bytes are frames it would be taken for one. */
  tellsViolations: boolean;
  /** The peer broke the rules; it has been told, and the connection is closing. */
  onViolation: (error: GatewayError) => void;
  onClosed: () => void;
  /** The close code of an ordinary end. */
  endCode: () => number;
}

export interface WebSocketStream extends ByteStream {
  /** Sends what was written, then closes with a code. */
  endWith(code: number, reason: string): void;
  /** Pings, or gives up a peer that has been silent since the last ping. */
  beat(): void;
}

/** Neon's driver takes in large frames three times faster than 1 KiB ones (reference/neon-wire.md §2.2). */
const maxFrameBytes = 65_536;
/** Smaller messages are put into one piece of memory with their header: one write instead of a gathered one. */
const maxJoinedFrameBytes = 8_192;
/** A close reason is at most 123 bytes (RFC 6455 §5.5); ours are mostly ASCII. */
const maxReasonCharacters = 100;

/** The close codes `ws` uses by itself when a peer's frames are wrong (RFC 6455 §7.4.1). */
const violationCodes: ReadonlySet<number> = new Set([1002, 1007, 1008, 1009]);

/** Lets us say goodbye in Postgres' words before `ws` closes over a bad frame. */
export class AnsweringWebSocket extends WebSocket {
  /** Called when the connection is about to be closed because of what the peer sent. */
  onViolation: ((closeCode: number) => void) | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    if (code !== undefined && violationCodes.has(code) && this.readyState === WebSocket.OPEN) {
      const { onViolation } = this;
      this.onViolation = undefined;
      onViolation?.(code);
    }
    super.close(code, reason);
  }
}

/** A stream over an open WebSocket. From here on only the stream may use the WebSocket. */
export function createWebSocketStream(socket: AnsweringWebSocket, options: WebSocketStreamOptions): WebSocketStream {
  return new NodeWebSocketStream(socket, options);
}

// A class, so that ten thousand idle callers share their functions.
class NodeWebSocketStream implements WebSocketStream {
  onData: ByteStream['onData'] = undefined;
  onDrain: ByteStream['onDrain'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  readonly security: StreamSecurity;
  private readonly socket: AnsweringWebSocket;
  private readonly options: WebSocketStreamOptions;
  private readonly onSent: () => void;
  private state: 'open' | 'ending' | 'closed' = 'open';
  private error: Error | undefined;
  private isWaitingForDrain = false;
  private isPaused = false;
  /** Messages `ws` had already read when we paused. */
  private readonly unread: Uint8Array[] = [];
  private wasHeard = true;
  private lastProgress = 0;

  constructor(socket: AnsweringWebSocket, options: WebSocketStreamOptions) {
    this.socket = socket;
    this.options = options;
    this.security = options.security;
    this.onSent = () => this.sent();
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data, isBinary) => this.received(data as Buffer, isBinary)); // by binaryType
    socket.on('pong', () => {
      this.wasHeard = true;
    });
    socket.on('error', (error) => {
      this.error ??= error;
    });
    socket.on('close', (code) => this.closed(code));
    socket.onViolation = (code) => this.violated(this.explain(code));
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  write(bytes: Uint8Array): boolean {
    const { socket } = this;
    if (this.state !== 'open' || socket.readyState !== WebSocket.OPEN || bytes.length === 0) return true;
    const wasIdle = socket.bufferedAmount === 0;
    if (bytes.length <= maxJoinedFrameBytes) {
      this.options.transport.write(encodeBinaryFrame(bytes), this.onSent);
      if (socket.bufferedAmount > 0) this.isWaitingForDrain = true;
      // The frame is memory of its own.
      return true;
    }
    for (let at = 0; at < bytes.length; at += maxFrameBytes) {
      const end = Math.min(at + maxFrameBytes, bytes.length);
      const frame = at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end);
      socket.send(frame, { binary: true }, this.onSent);
    }
    // As in node/socket-stream.ts: a TLS socket at rest copies within the call, but only the first frame finds it so.
    if (socket.bufferedAmount === 0) return true;
    this.isWaitingForDrain = true;
    return this.options.isTls && wasIdle && bytes.length <= maxFrameBytes;
  }

  private sent(): void {
    if (!this.isWaitingForDrain || this.state === 'closed' || this.socket.bufferedAmount > 0) return;
    this.isWaitingForDrain = false;
    this.onDrain?.();
  }

  private received(message: Uint8Array, isBinary: boolean): void {
    this.wasHeard = true;
    if (this.state !== 'open') return;
    if (!isBinary) {
      this.violated(
        new GatewayError(
          'text_frame',
          'a text message arrived on the WebSocket; only binary messages carry the protocol',
        ),
      );
      this.socket.close(1003, 'binary messages only');
    } else if (this.isPaused || this.unread.length > 0) {
      this.unread.push(message);
    } else {
      this.onData?.(message);
    }
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.unread.length === 0) this.socket.resume();
    // Not within the call: its owner is in the middle of something.
    else queueMicrotask(() => this.deliverUnread());
  }

  private deliverUnread(): void {
    while (!this.isPaused && this.state === 'open') {
      const message = this.unread[0];
      if (message === undefined) {
        this.socket.resume();
        return;
      }
      // Taken off only afterwards, so that nothing overtakes it meanwhile.
      this.onData?.(message);
      this.unread.shift();
    }
  }

  beat(): void {
    const { bytesWritten, writableLength } = this.options.transport;
    const progress = bytesWritten - writableLength;
    // A peer we do not listen to cannot be heard, and one that is busy taking our bytes is not dead.
    const isExcused = this.isPaused || (writableLength > 0 && progress !== this.lastProgress);
    this.lastProgress = progress;
    if (!this.wasHeard && !isExcused) {
      this.destroy(new Error('the caller did not answer a ping'));
      return;
    }
    this.wasHeard = false;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
  }

  end(): void {
    this.endWith(this.options.endCode(), '');
  }

  endWith(code: number, reason: string): void {
    if (this.state !== 'open') return;
    this.leave();
    this.socket.onViolation = undefined;
    this.socket.close(code, reason.slice(0, maxReasonCharacters));
  }

  destroy(error?: Error): void {
    this.error ??= error;
    if (this.state === 'open') this.state = 'ending';
    this.socket.terminate();
  }

  /** Nothing more is read for the owner; the peer's close frame still has to come through. */
  private leave(): void {
    this.state = 'ending';
    this.unread.length = 0;
    this.isPaused = false;
    this.socket.resume();
  }

  private violated(error: GatewayError): void {
    if (this.state !== 'open') return;
    this.error ??= error;
    if (this.options.tellsViolations) {
      this.socket.send(encodeErrorResponse(refusalOf(error).fields), { binary: true });
    }
    this.leave();
    this.options.onViolation(error);
  }

  private explain(code: number): GatewayError {
    if (code === 1009) {
      return new GatewayError(
        'message_too_large',
        `a WebSocket message exceeds the limit of ${this.options.maxMessageBytes} bytes`,
        { hint: 'Send it in several WebSocket messages; where one ends means nothing.' },
      );
    }
    return new GatewayError('protocol_violation', 'a WebSocket frame breaks the rules of RFC 6455');
  }

  private closed(code: number): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.unread.length = 0;
    const { onClose } = this;
    this.onData = undefined;
    this.onDrain = undefined;
    this.onClose = undefined;
    onClose?.(this.error ?? (code === 1006 ? new Error('the WebSocket broke without a close frame') : undefined));
    this.options.onClosed();
  }
}

/** A whole unmasked binary message of at most 64 KiB (RFC 6455 §5.2). `ws` writes header and payload apart. */
function encodeBinaryFrame(payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const headerBytes = length < 126 ? 2 : 4;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = 0x82;
  if (length < 126) frame[1] = length;
  else {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  }
  frame.set(payload, headerBytes);
  return frame;
}
