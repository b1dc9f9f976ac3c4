/** Growable bytes: append at the end, consume from the front. Owns its memory; gives it back when it is empty. */

/** Copies `source[start..end)` to `target` at `offset`; short runs by hand, since a subarray costs more than they do. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void {
  if (end - start <= 128) {
    for (let i = start, j = offset; i < end; i++, j++) target[j] = source[i]!;
  } else {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), offset);
  }
}

const noBytes: Uint8Array = new Uint8Array(0);
const maxKeptBytes = 65_536;

/** Buffers between two uses, their memory ready for what comes next. */
export class SpareBuffers {
  private readonly spare: ByteBuffer[] = [];
  private readonly maxSpare: number;

  constructor(maxSpare: number) {
    this.maxSpare = maxSpare;
  }

  take(): ByteBuffer {
    return this.spare.pop() ?? new ByteBuffer();
  }

  /** Whatever is in it is forgotten. */
  give(buffer: ByteBuffer): void {
    buffer.rewind();
    if (this.spare.length < this.maxSpare) this.spare.push(buffer);
  }
}

/** Bytes waiting to be read, front to back. */
export class ByteBuffer {
  bytes: Uint8Array = noBytes;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  append(source: Uint8Array, from = 0, to: number = source.length): void {
    const count = to - from;
    if (this.end + count > this.bytes.length) this.makeRoom(count);
    copyBytes(source, from, to, this.bytes, this.end);
    this.end += count;
  }

  /** Forgets the first `count` bytes. */
  consume(count: number): void {
    this.start += count;
    if (this.start >= this.end) {
      this.start = 0;
      this.end = 0;
      this.bytes = noBytes;
    }
  }

  /** Forgets everything, but keeps the memory for what comes next. */
  rewind(): void {
    this.start = 0;
    this.end = 0;
    if (this.bytes.length > maxKeptBytes) this.bytes = noBytes;
  }

  private makeRoom(count: number): void {
    const length = this.end - this.start;
    const needed = length + count;
    if (needed <= this.bytes.length && this.start > this.bytes.length / 2) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const grown = new Uint8Array(Math.max(needed, Math.min(this.bytes.length * 2, needed + 1_048_576), 256));
      if (length > 0) grown.set(this.bytes.subarray(this.start, this.end));
      this.bytes = grown;
    }
    this.start = 0;
    this.end = length;
  }
}
