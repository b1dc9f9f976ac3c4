/** Two ends of a stream in memory: how a session is played from the inside, by the gateway itself and by tests. */
import type { ByteStream } from './byte-stream.ts';

/**
 * Bytes written to one end arrive at the other in a later microtask, never inside `write`: the engine may be in the middle
 * of a chunk.
 */
export function createMemoryStreamPair(): [ByteStream, ByteStream] {
  const a = new MemoryStream();
  const b = new MemoryStream();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class MemoryStream implements ByteStream {
  onData: ByteStream['onData'];
  onDrain: ByteStream['onDrain'];
  onClose: ByteStream['onClose'];
  readonly security = 'loopback';
  bufferedBytes = 0;
  peer!: MemoryStream;
  private readonly queue: Uint8Array[] = [];
  private state: 'open' | 'ending' | 'closed' = 'open';
  private isPaused = false;
  private isScheduled = false;

  write(bytes: Uint8Array): boolean {
    if (this.state !== 'open' || this.peer.state === 'closed') return true;
    this.queue.push(new Uint8Array(bytes));
    this.bufferedBytes += bytes.length;
    this.schedule();
    return true;
  }

  /** What this end wrote goes to the other. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => this.deliver());
  }

  private deliver(): void {
    this.isScheduled = false;
    const { peer, queue } = this;
    let delivered = 0;
    while (delivered < queue.length && !peer.isPaused && peer.state !== 'closed') {
      const bytes = queue[delivered++]!;
      this.bufferedBytes -= bytes.length;
      peer.onData?.(bytes);
    }
    queue.splice(0, delivered);
    if (peer.state === 'closed') queue.length = 0;
    if (queue.length > 0) return;
    if (this.state === 'ending') this.closeBoth();
    else if (delivered > 0 && this.state === 'open') this.onDrain?.();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.peer.queue.length > 0 || this.peer.state === 'ending') this.peer.schedule();
  }

  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    this.schedule();
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return;
    this.queue.length = 0;
    this.closeBoth(error);
  }

  private closeBoth(error?: Error): void {
    for (const end of [this, this.peer]) {
      if (end.state === 'closed') continue;
      end.state = 'closed';
      end.bufferedBytes = 0;
      queueMicrotask(() => end.onClose?.(error));
    }
  }
}
