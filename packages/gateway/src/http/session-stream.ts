// The caller's end of a session that has no network under it: the HTTP frontend writes frontend messages into the
// engine and reads what comes back, as function calls.

import type { ByteStream } from '@postern/pool';

export interface SessionStreamOptions {
  /** Bytes of backend messages, borrowed: valid during the call only. */
  readonly onBytes: (bytes: Uint8Array) => void;
  /** The engine closed the session. Not called after `hangUp`. */
  readonly onEnded: (error: Error | undefined) => void;
}

/** A ByteStream for the engine, and what the frontend does on the other side of it. */
export interface SessionStream extends ByteStream {
  /** Sends frontend messages, waiting whenever the engine pauses. */
  send(chunks: readonly Uint8Array[]): void;
  /** The caller is gone, or satisfied. Nothing is called after it. Can be called twice, also from within `onBytes`. */
  hangUp(): void;
}

export function createSessionStream(options: SessionStreamOptions): SessionStream {
  return new MemorySessionStream(options);
}

class MemorySessionStream implements SessionStream {
  onData: ByteStream['onData'] = undefined;
  onDrain: ByteStream['onDrain'] = undefined;
  onClose: ByteStream['onClose'] = undefined;
  readonly bufferedBytes = 0;
  readonly security = 'loopback' as const;
  private readonly options: SessionStreamOptions;
  private state: 'open' | 'closed' = 'open';
  private isPaused = false;
  private isSending = false;
  private unsent: Uint8Array[] = [];

  constructor(options: SessionStreamOptions) {
    this.options = options;
  }

  send(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.unsent.push(chunk);
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

  /** The engine may pause, resume, answer and close while it takes a chunk. */
  private sendOn(): void {
    if (this.isSending) return;
    this.isSending = true;
    let next = 0;
    while (next < this.unsent.length && !this.isPaused && this.state === 'open') this.onData?.(this.unsent[next++]!);
    this.unsent = next === this.unsent.length ? [] : this.unsent.slice(next);
    this.isSending = false;
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
