/**
 * One session of many on a WebSocket, as a byte stream. What the caller sends ahead of the session's reading and what it
 * has not yet taken are both bounded by credit (contract/session-frames.ts), so a slow session stands in nobody's way.
 */
import { SessionFrameError, sessionLimits } from '@postern/contract';
import type { ByteStream, StreamSecurity } from '@postern/pool';

/** What a session's stream uses of the WebSocket it shares. */
export interface SharedTransport {
  readonly security: StreamSecurity;
  /** Bytes of all sessions that the network has not yet taken. */
  readonly bufferedBytes: number;
  /** Sends `bytes` (copied) as frames of the session. */
  sendBytes(session: number, bytes: Uint8Array): void;
  sendCredit(session: number, bytes: number): void;
  /** Sends the session's last frame and forgets it. */
  sendEnd(session: number): void;
}

export interface MultiplexedStream extends ByteStream {
  /** Called once when the session is over, after `onClose` and whoever owns the stream by then. */
  onEnded: (() => void) | undefined;
  /** From the caller; borrowed. True when their memory was kept. Throws SessionFrameError beyond the window. */
  received(bytes: Uint8Array): boolean;
  /** Throws SessionFrameError for more credit than was used. */
  credited(bytes: number): void;
  /** The caller is gone, or the whole WebSocket (with `error` if it broke). */
  left(error?: Error): void;
  /** The network has taken everything. */
  transportDrained(): void;
}

export function createMultiplexedStream(session: number, transport: SharedTransport): MultiplexedStream {
  return new SharedWebSocketStream(session, transport);
}

const { windowBytes, creditStepBytes } = sessionLimits;

class SharedWebSocketStream implements MultiplexedStream {
  onData: ByteStream['onData'] = undefined;
  onDrain: ByteStream['onDrain'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  onEnded: MultiplexedStream['onEnded'] = undefined;
  private readonly session: number;
  private readonly transport: SharedTransport;
  private state: 'open' | 'ending' | 'closed' = 'open';
  /** Bytes we may send. */
  private sendWindow: number = windowBytes;
  /** Written beyond the window; copies. */
  private unsent: Uint8Array[] = [];
  private unsentBytes = 0;
  /** Bytes the caller may send. */
  private receiveWindow: number = windowBytes;
  private consumed = 0;
  private isPaused = false;
  /** Received while paused; copies. */
  private unread: Uint8Array[] = [];

  constructor(session: number, transport: SharedTransport) {
    this.session = session;
    this.transport = transport;
  }

  get security(): StreamSecurity {
    return this.transport.security;
  }

  // With the others' bytes: a WebSocket that nobody reads stops all of its sessions.
  get bufferedBytes(): number {
    return this.unsentBytes + this.transport.bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.state !== 'open' || bytes.length === 0) return true;
    const count = this.unsentBytes > 0 ? 0 : Math.min(bytes.length, this.sendWindow);
    if (count > 0) {
      this.sendWindow -= count;
      this.transport.sendBytes(this.session, count === bytes.length ? bytes : bytes.subarray(0, count));
    }
    if (count < bytes.length) {
      this.unsent.push(new Uint8Array(bytes.subarray(count)));
      this.unsentBytes += bytes.length - count;
    }
    return true;
  }

  credited(bytes: number): void {
    if (this.state === 'closed') return;
    this.sendWindow += bytes;
    if (this.sendWindow > windowBytes) throw new SessionFrameError('more credit was given than had been used');
    while (this.sendWindow > 0 && this.unsent.length > 0) {
      const next = this.unsent[0]!;
      const count = Math.min(next.length, this.sendWindow);
      if (count === next.length) this.unsent.shift();
      else this.unsent[0] = next.subarray(count);
      this.unsentBytes -= count;
      this.sendWindow -= count;
      this.transport.sendBytes(this.session, next.subarray(0, count));
    }
    if (this.unsentBytes > 0) return;
    if (this.state === 'ending') this.close(undefined);
    else this.transportDrained();
  }

  transportDrained(): void {
    if (this.state === 'open' && this.bufferedBytes === 0) this.onDrain?.();
  }

  received(bytes: Uint8Array): boolean {
    if (this.state !== 'open') return false;
    this.receiveWindow -= bytes.length;
    if (this.receiveWindow < 0) {
      throw new SessionFrameError(`more than ${windowBytes} bytes of a session were sent without credit`);
    }
    if (!this.isPaused && this.unread.length === 0) return this.deliver(bytes);
    this.unread.push(new Uint8Array(bytes));
    return false;
  }

  private deliver(bytes: Uint8Array): boolean {
    const isKept = this.onData?.(bytes) === true;
    this.consumed += bytes.length;
    if (this.consumed >= creditStepBytes && this.isOpen) {
      this.transport.sendCredit(this.session, this.consumed);
      this.receiveWindow += this.consumed;
      this.consumed = 0;
    }
    return isKept;
  }

  /** `state` changes under the feet of those who call the owner. */
  private get isOpen(): boolean {
    return this.state === 'open';
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    // Not within the call: its owner is in the middle of something.
    if (this.unread.length > 0) queueMicrotask(() => this.deliverUnread());
  }

  private deliverUnread(): void {
    while (!this.isPaused && this.unread.length > 0 && this.isOpen) {
      this.deliver(this.unread[0]!);
      // Taken off only afterwards, so that nothing overtakes it meanwhile.
      this.unread.shift();
    }
  }

  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.unread = [];
    if (this.unsentBytes === 0) this.close(undefined);
  }

  destroy(error?: Error): void {
    this.close(error);
  }

  left(error?: Error): void {
    this.close(error);
  }

  private close(error: Error | undefined): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.unread = [];
    this.unsent = [];
    this.unsentBytes = 0;
    this.transport.sendEnd(this.session);
    // Later: its owner may be in the middle of a call that led here.
    queueMicrotask(() => {
      const { onClose } = this;
      this.onData = undefined;
      this.onDrain = undefined;
      this.onClose = undefined;
      onClose?.(error);
      this.onEnded?.();
    });
  }
}
