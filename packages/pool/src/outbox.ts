/**
 * What goes out to callers. What one event brought for a caller leaves in one write: changing the stream sends what was
 * gathered for the former.
 */
import { copyBytes } from './byte-buffer.ts';
import type { ByteStream } from './byte-stream.ts';
import { FrontViews } from './front-views.ts';

/** Runs at least this long are written as they are instead of being copied. */
const directWriteBytes = 16_384;
const capacityBytes = 65_536;

export class Outbox {
  private readonly begun: () => void;
  private gathered: FrontViews = new FrontViews(new Uint8Array(capacityBytes));
  private spare: FrontViews | undefined;
  private length = 0;
  private stream: ByteStream | undefined;

  /** `begun` is called when something is to be sent: `flush` must follow. */
  constructor(begun: () => void) {
    this.begun = begun;
  }

  /**
   * Queues `bytes[start..end)` for `stream`. `bytes` are borrowed.
   * Returns true when the stream kept the very memory of `bytes` (a long run written through).
   */
  append(stream: ByteStream, bytes: Uint8Array, start: number, end: number): boolean {
    const count = end - start;
    const isLong = count >= directWriteBytes;
    if (this.stream !== stream || isLong || this.length + count > capacityBytes) this.flush();
    if (isLong) return !writeAtOnce(stream, bytes.subarray(start, end));
    if (this.length === 0) {
      this.stream = stream;
      this.begun();
    }
    copyBytes(bytes, start, end, this.gathered.memory, this.length);
    this.length += count;
    return false;
  }

  /** Sends what was gathered. */
  flush(): void {
    const { stream, length, gathered } = this;
    if (stream === undefined || length === 0) return;
    // A write may lead back here before it returns: what is gathered then goes into other memory.
    this.stream = undefined;
    this.length = 0;
    this.gathered = this.spare ?? new FrontViews(new Uint8Array(capacityBytes));
    this.spare = undefined;
    if (writeAtOnce(stream, gathered.first(length))) this.spare = gathered;
  }
}

/**
 * False: the stream keeps the memory of `bytes`. One that has not sent all it was given gets a copy: it may take its time,
 * and little that waits must not hold much memory.
 */
function writeAtOnce(stream: ByteStream, bytes: Uint8Array): boolean {
  if (stream.bufferedBytes === 0) return stream.write(bytes);
  stream.write(new Uint8Array(bytes));
  return true;
}
