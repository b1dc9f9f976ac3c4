/**
 * Gathers what one event produces for a stream, so that it leaves in one write. One outbox serves all streams of one
 * direction: only one stream is written to at a time, and changing the stream sends what was gathered for the former.
 */

import { copyBytes } from './byte-buffer.ts';
import type { ByteStream } from './byte-stream.ts';

/** Runs at least this long are written as they are instead of being copied. */
const directWriteBytes = 16_384;
const capacityBytes = 65_536;

/** `lends`: long runs are written through, and the stream may keep their memory. `copies`: what is given is free at once. */
export type OutboxKind = 'lends' | 'copies';

export class Outbox {
  private readonly allocate: (bytes: number) => Uint8Array;
  private readonly kind: OutboxKind;
  private memory: Uint8Array;
  private spare: Uint8Array | undefined;
  private length = 0;
  private stream: ByteStream | undefined;

  constructor(allocate: (bytes: number) => Uint8Array, kind: OutboxKind) {
    this.allocate = allocate;
    this.kind = kind;
    this.memory = allocate(capacityBytes);
  }

  /**
   * Queues `bytes[start..end)` for `stream`. `bytes` are borrowed.
   * Returns true when the stream kept the very memory of `bytes` (a long run written through).
   */
  append(stream: ByteStream, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.stream !== stream) {
      this.flush();
      this.stream = stream;
    }
    const count = end - start;
    if (count >= directWriteBytes && this.kind === 'lends') {
      this.flush();
      this.stream = stream;
      if (stream.bufferedBytes > 0) {
        // The stream will queue it: a copy, or the reader's buffer would be held for as long as the peer is slow.
        const copy = this.allocate(count);
        copy.set(bytes.subarray(start, end));
        stream.write(copy);
        return false;
      }
      return !stream.write(bytes.subarray(start, end));
    }
    if (this.length + count > capacityBytes) {
      this.flush();
      this.stream = stream;
      if (count > capacityBytes) {
        this.append(stream, bytes, start, start + capacityBytes);
        return this.append(stream, bytes, start + capacityBytes, end);
      }
    }
    copyBytes(bytes, start, end, this.memory, this.length);
    this.length += count;
    return false;
  }

  /** Sends what was gathered. */
  flush(): void {
    const { stream, length } = this;
    if (stream === undefined) return;
    this.stream = undefined;
    if (length === 0) return;
    this.length = 0;
    // A write may lead back here before it returns: what is gathered then goes into other memory.
    const { memory } = this;
    this.memory = this.spare ?? this.allocate(capacityBytes);
    this.spare = undefined;
    if (stream.write(memory.subarray(0, length))) this.spare = memory;
  }
}
