/** Node sockets, plain or TLS, as byte streams. */
import type { Socket } from 'node:net';
import type { ByteStream, StreamSecurity } from '@postern/pool';
import { isLoopbackHost } from '../endpoints/host-name.ts';

export interface SocketStreamOptions {
  security: StreamSecurity;
  /** Called once when the socket is gone, whoever owns the stream by then. */
  onClosed?: (() => void) | undefined;
  /** The socket was opened with `onread`: it calls the returned stream's `receive` itself and emits no 'data'. */
  isReadByHand?: boolean;
}

export interface SocketStream extends ByteStream {
  /** Hands read bytes to the owner; true when the owner kept their memory. For sockets opened with `onread` only. */
  receive(bytes: Uint8Array): boolean;
}

/** A stream over an open socket. From here on only the stream may use the socket. */
export function createSocketStream(socket: Socket, options: SocketStreamOptions): SocketStream {
  return new NodeSocketStream(socket, options);
}

/** Whether the peer is this machine, the only place where plain bytes are as private as TLS. */
export function socketSecurity(socket: Socket): StreamSecurity {
  if ('encrypted' in socket && socket.encrypted === true) return 'tls';
  // A Unix socket has no remote address.
  return socket.remoteAddress === undefined || isLoopbackHost(socket.remoteAddress) ? 'loopback' : 'plain';
}

// A class, so that ten thousand idle callers share their functions.
class NodeSocketStream implements SocketStream {
  onData: ByteStream['onData'] = undefined;
  onDrain: ByteStream['onDrain'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  readonly security: StreamSecurity;
  private readonly socket: Socket;
  private readonly isTls: boolean;
  private readonly onClosed: (() => void) | undefined;
  private readonly onWritten: () => void;
  private error: Error | undefined;
  private state: 'open' | 'ending' | 'closed' = 'open';
  private isWaitingForDrain = false;

  constructor(socket: Socket, options: SocketStreamOptions) {
    this.socket = socket;
    this.security = options.security;
    this.onClosed = options.onClosed;
    this.isTls = 'encrypted' in socket;
    this.onWritten = () => this.written();
    socket.setNoDelay(true);
    if (options.isReadByHand !== true) socket.on('data', (chunk: Uint8Array) => this.receive(chunk));
    socket.on('error', (error) => {
      this.error ??= error;
    });
    // A peer that stopped sending is a peer that left (reference/pooling.md §2.9): no half-open conversations.
    socket.on('end', () => this.socket.destroy());
    socket.on('close', () => this.closed());
    if (socket.destroyed) queueMicrotask(() => this.closed());
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  receive(bytes: Uint8Array): boolean {
    return this.state !== 'closed' && this.onData?.(bytes) === true;
  }

  write(bytes: Uint8Array): boolean {
    if (this.state !== 'open') return true;
    const wasIdle = this.socket.writableLength === 0;
    this.socket.write(bytes, this.onWritten);
    // Plain: the kernel took everything within the call. TLS: an idle TLSWrap encrypts or copies within the call,
    // though its completion comes later; behind unfinished writes Node queues the very memory.
    if (this.socket.writableLength === 0 || (this.isTls && wasIdle)) return true;
    this.isWaitingForDrain = true;
    return false;
  }

  private written(): void {
    if (!this.isWaitingForDrain || this.socket.writableLength > 0 || this.state === 'closed') return;
    this.isWaitingForDrain = false;
    this.onDrain?.();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.socket.end(() => this.socket.destroy());
  }

  destroy(error?: Error): void {
    this.error ??= error;
    if (this.state === 'open') this.state = 'ending';
    this.socket.destroy();
  }

  private closed(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    const { onClose, error } = this;
    this.onData = undefined;
    this.onDrain = undefined;
    this.onClose = undefined;
    onClose?.(error);
    this.onClosed?.();
  }
}
