// The caller's end of a session that has no network under it: the HTTP frontend writes frontend messages into the
// engine and reads what comes back, as function calls.

import type { ByteStream } from '@postern/pool';

export interface SessionStreamOptions {
  /** Bytes of backend messages, borrowed: valid during the call only. */
  readonly onBytes: (bytes: Uint8Array) => void;
  /** The engine closed the session. Not called after `hangUp`. */
  readonly onEnded: (error: Error | undefined) => void;
  /** Bytes made of the session's that wait for a slow caller; default none. */
  readonly bufferedBytes?: number;
}

/** A ByteStream for the engine, and what the frontend does on the other side of it. */
export interface SessionStream extends ByteStream {
  /** Sends frontend messages, waiting whenever the engine pauses. `bytes` are borrowed. */
  send(bytes: Uint8Array): void;
  /** What was in `bufferedBytes` is gone. */
  drained(): void;
  /** The caller is gone, or satisfied. Nothing is called after it. Can be called twice, also from within `onBytes`. */
  hangUp(): void;
}

export function createSessionStream(options: SessionStreamOptions): SessionStream {
  return new MemorySessionStream(options);
}

/** What the engine gets in one go. */
const chunkBytes = 65_536;

class MemorySessionStream implements SessionStream {
  onData: ByteStream['onData'] = undefined;
  onDrain: ByteStream['onDrain'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  readonly security = 'loopback' as const;
  private readonly options: SessionStreamOptions;
  private state: 'open' | 'closed' = 'open';
  private isPaused = false;
  private isSending = false;
  private unsent: Uint8Array[] = [];

  constructor(options: SessionStreamOptions) {
    this.options = options;
  }

  get bufferedBytes(): number {
    return this.options.bufferedBytes ?? 0;
  }

  drained(): void {
    if (this.state === 'open') this.onDrain?.();
  }

  send(bytes: Uint8Array): void {
    if (this.unsent.length > 0 || this.isSending) {
      this.unsent.push(new Uint8Array(bytes));
      return;
    }
    const sent = this.sendPart(bytes);
    // In front: an answer to the first part may have led to more being sent meanwhile.
    if (sent < bytes.length && this.state === 'open') this.unsent.unshift(new Uint8Array(bytes.subarray(sent)));
    this.sendOn();
  }

  hangUp(): void {
    this.close(undefined);
  }

  write(bytes: Uint8Array): boolean {
    if (this.state === 'open') this.options.onBytes(bytes);
    return true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.sendOn();
  }

  end(): void {
    this.endedByEngine(undefined);
  }

  destroy(error?: Error): void {
    this.endedByEngine(error);
  }

  /** Returns how far it came. The engine may pause, resume, answer and close while it takes a chunk. */
  private sendPart(bytes: Uint8Array): number {
    this.isSending = true;
    let at = 0;
    while (at < bytes.length && !this.isPaused && this.state === 'open') {
      const end = Math.min(at + chunkBytes, bytes.length);
      this.onData?.(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
      at = end;
    }
    this.isSending = false;
    return at;
  }

  private sendOn(): void {
    if (this.isSending) return;
    while (!this.isPaused) {
      const next = this.unsent.shift();
      if (next === undefined) return;
      const sent = this.sendPart(next);
      if (sent < next.length && this.state === 'open') this.unsent.unshift(next.subarray(sent));
    }
  }

  private endedByEngine(error: Error | undefined): void {
    if (this.state === 'closed') return;
    this.close(error);
    this.options.onEnded(error);
  }

  // Later, because the engine may be in the middle of a `write` and need not expect its stream to vanish under it.
  private close(error: Error | undefined): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.unsent = [];
    queueMicrotask(() => {
      const { onClose } = this;
      this.onData = undefined;
      this.onDrain = undefined;
      this.onClose = undefined;
      onClose?.(error);
    });
  }
}
