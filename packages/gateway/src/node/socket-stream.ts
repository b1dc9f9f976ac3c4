/** Node sockets, plain or TLS, as byte streams. */
import type { Socket } from 'node:net';
import type { ByteStream, StreamSecurity } from '@postern/pool';
import { isLoopbackHost } from '../endpoints/host-name.ts';
import { SocketWriter } from './socket-writer.ts';

export interface SocketStreamOptions {
  security: StreamSecurity;
  /** Called once when the socket is gone, whoever owns the stream by then. */
  onClosed?: (() => void) | undefined;
  /** The socket was opened with `onread`: it calls the returned stream's `receive` itself and emits no 'data'. */
  isReadByHand?: boolean;
}

export interface SocketStream extends ByteStream {
  /** Writes both in one go. Returns what `write` would have returned for both; `head` is the stream's from now on. */
  writeBehind(head: Uint8Array, bytes: Uint8Array): boolean;
  /** Bytes the kernel has taken. */
  readonly sentBytes: number;
  /** Hands read bytes to the owner; true when the owner kept their memory. For sockets opened with `onread` only. */
  receive(bytes: Uint8Array): boolean;
  /** Gives the socket back, paused, for TLS to take over. The stream is dead without any callback. */
  release(): void;
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

/** How long a peer may take to read what was written before the end, and then to close as well. */
const flushTimeoutMs = 30_000;
const lingerMs = 1_000;

// A class, so that ten thousand idle callers share their functions.
class NodeSocketStream extends SocketWriter implements SocketStream {
  onData: ByteStream['onData'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  readonly security: StreamSecurity;
  private readonly onClosed: (() => void) | undefined;
  private onChunk: ((chunk: Uint8Array) => void) | undefined;
  private error: Error | undefined;
  private state: 'open' | 'ending' | 'closed' = 'open';

  constructor(socket: Socket, options: SocketStreamOptions) {
    super(socket);
    this.security = options.security;
    this.onClosed = options.onClosed;
    socket.setNoDelay(true);
    if (options.isReadByHand !== true) {
      this.onChunk = (chunk): void => void this.receive(chunk);
      socket.on('data', this.onChunk);
    }
    socket.on('error', (error) => {
      this.error ??= error;
    });
    // A peer that stopped sending is a peer that left (reference/pooling.md §2.9): no half-open conversations.
    socket.on('end', leave);
    socket.on('close', () => this.closed());
    if (socket.destroyed) queueMicrotask(() => this.closed());
  }

  get sentBytes(): number {
    return this.socket.bytesWritten - this.bufferedBytes;
  }

  receive(bytes: Uint8Array): boolean {
    return this.state !== 'closed' && this.onData?.(bytes) === true;
  }

  write(bytes: Uint8Array): boolean {
    return this.state !== 'open' || this.send(bytes);
  }

  writeBehind(head: Uint8Array, bytes: Uint8Array): boolean {
    return this.state !== 'open' || this.sendBoth(head, bytes);
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
    this.onData = undefined;
    let timer = this.destroyAfter(flushTimeoutMs);
    this.socket.end(() => {
      clearTimeout(timer);
      timer = this.destroyAfter(lingerMs);
    });
    // Reading on until the peer closes: to close with unread bytes would reset the connection, and the peer might lose
    // what was written last, the error that says why.
    this.socket.resume();
    this.socket.once('close', () => clearTimeout(timer));
  }

  private destroyAfter(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.socket.destroy(), milliseconds).unref();
  }

  release(): void {
    this.state = 'closed';
    this.onData = undefined;
    this.onDrain = undefined;
    this.onClose = undefined;
    if (this.onChunk !== undefined) this.socket.off('data', this.onChunk);
    this.socket.off('end', leave);
    this.socket.pause();
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

function leave(this: Socket): void {
  this.destroy();
}
