/** Growable bytes: append at the end, consume from the front. Owns its memory; gives it back when it is empty. */

/** Copies `source[start..end)` to `target` at `offset`; short runs by hand, since a subarray costs more than they do. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): void {
  if (end - start <= 128) {
    for (let i = start, j = offset; i < end; i++, j++) target[j] = source[i]!;
  } else {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), offset);
  }
}

/** The first zero in `bytes[from..)`, or -1. The short ones of the protocol are found before `indexOf` has begun. */
export function indexOfZero(bytes: Uint8Array, from: number): number {
  const near = Math.min(from + 128, bytes.length);
  for (let i = from; i < near; i++) if (bytes[i] === 0) return i;
  return near < bytes.length ? bytes.indexOf(0, near) : -1;
}

const noBytes: Uint8Array = new Uint8Array(0);
const maxKeptBytes = 65_536;

/** Most of what is kept is one small request for a moment: a piece of a slab costs a third of memory of its own. */
const pieceBytes = 256;
const slabBytes = 4096;
let slab = new ArrayBuffer(0);
let slabUsed = 0;

function takePiece(): Uint8Array {
  if (slabUsed === slab.byteLength) {
    slab = new ArrayBuffer(slabBytes);
    slabUsed = 0;
  }
  slabUsed += pieceBytes;
  return new Uint8Array(slab, slabUsed - pieceBytes, pieceBytes);
}

/** Buffers between two uses, their memory ready for what comes next. */
export class SpareBuffers {
  private readonly spare: ByteBuffer[] = [];
  private readonly maxBytes: number;
  private bytes = 0;

  constructor(maxBytes = 1_048_576) {
    this.maxBytes = maxBytes;
  }

  take(): ByteBuffer {
    const buffer = this.spare.pop() ?? new ByteBuffer();
    this.bytes -= buffer.bytes.length;
    return buffer;
  }

  /** Whatever is in it is forgotten. */
  give(buffer: ByteBuffer): void {
    buffer.rewind();
    if (this.bytes + buffer.bytes.length > this.maxBytes) return;
    this.bytes += buffer.bytes.length;
    this.spare.push(buffer);
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
      const capacity = Math.max(needed, Math.min(this.bytes.length * 2, needed + 1_048_576));
      const grown = capacity <= pieceBytes ? takePiece() : new Uint8Array(capacity);
      if (length > 0) grown.set(this.bytes.subarray(this.start, this.end));
      this.bytes = grown;
    }
    this.start = 0;
    this.end = length;
  }
}

export function hasHighByte(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! >= 0x80) return true;
  return false;
}
