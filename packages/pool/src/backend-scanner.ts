/**
 * Cuts the bytes of a server connection into messages by their headers alone. Rows and copy data stream through as they
 * arrive; every other message is shown whole. Runs of messages to be forwarded are given out as one run.
 */
import { ByteBuffer } from './byte-buffer.ts';

const codeDataRow = 0x44;
const codeCopyData = 0x64;

/** What to do with a message. */
export const Verdict = {
  Drop: 0,
  Forward: 1,
  /** Forward, and call `afterRun` as soon as this message has been given out. */
  ForwardThenCall: 2,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export interface BackendHandler {
  /** A DataRow or CopyData begins. */
  onRowHeader(code: number): Verdict;
  /** A whole message, header included, is at `bytes[start..end)`. Borrowed. May throw: the stream is then dead. */
  onMessage(code: number, bytes: Uint8Array, start: number, end: number): Verdict;
  /** Bytes to be forwarded. Returns true when their very memory was kept. */
  forward(bytes: Uint8Array, start: number, end: number): boolean;
  afterRun(): void;
}

/** The peer broke the protocol. */
export class ScanError extends Error {}

export class BackendScanner {
  private readonly handler: BackendHandler;
  private readonly maxMessageBytes: number;
  private readonly carry = new ByteBuffer();
  private rowRemaining = 0;
  private rowForwarded = false;
  private isKept = false;

  constructor(handler: BackendHandler, maxMessageBytes: number) {
    this.handler = handler;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Whether a message has arrived in part. */
  get isMidMessage(): boolean {
    return this.rowRemaining > 0 || this.carry.length > 0;
  }

  /** Takes a chunk (borrowed). Returns true when its memory was kept by the handler. */
  push(chunk: Uint8Array): boolean {
    this.isKept = false;
    let position = 0;
    if (this.carry.length > 0) position = this.finishCarried(chunk);
    if (position < chunk.length) this.scan(chunk, position, chunk.length);
    return this.isKept;
  }

  private finishCarried(chunk: Uint8Array): number {
    const { carry } = this;
    let position = 0;
    if (carry.length < 5) {
      position = Math.min(5 - carry.length, chunk.length);
      carry.append(chunk, 0, position);
      if (carry.length < 5) return position;
    }
    const { bytes, start } = carry;
    const code = bytes[start]!;
    const total = this.messageLength(bytes, start);
    if (code !== codeDataRow && code !== codeCopyData) {
      const count = Math.min(total - carry.length, chunk.length - position);
      carry.append(chunk, position, position + count);
      position += count;
      if (carry.length < total) return position;
    }
    const whole = carry.bytes;
    const from = carry.start;
    const to = carry.end;
    carry.consume(carry.length);
    this.scan(whole, from, to);
    return position;
  }

  private messageLength(bytes: Uint8Array, at: number): number {
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    const code = bytes[at]!;
    if (length < 4 || (length > this.maxMessageBytes && code !== codeDataRow && code !== codeCopyData)) {
      throw new ScanError(`message ${String.fromCharCode(code)} of Postgres has length ${length}`);
    }
    return length + 1;
  }

  private scan(bytes: Uint8Array, from: number, to: number): void {
    const { handler } = this;
    let position = from;
    let runStart = -1;
    if (this.rowRemaining > 0) {
      const count = Math.min(this.rowRemaining, to - position);
      if (this.rowForwarded) runStart = position;
      position += count;
      this.rowRemaining -= count;
    }
    while (to - position >= 5) {
      const code = bytes[position]!;
      const total = this.messageLength(bytes, position);
      let verdict: Verdict;
      let end = position + total;
      if (code === codeDataRow || code === codeCopyData) {
        verdict = handler.onRowHeader(code);
        if (end > to) {
          this.rowRemaining = end - to;
          this.rowForwarded = verdict !== Verdict.Drop;
          end = to;
        }
      } else {
        if (end > to) break;
        if (runStart >= 0 && code !== 0x43 && code !== 0x54 && code !== 0x32 && code !== 0x31) {
          // The handler may give out bytes of its own in onMessage (ParameterStatus before ReadyForQuery): keep order.
          this.give(bytes, runStart, position);
          runStart = -1;
        }
        verdict = handler.onMessage(code, bytes, position, end);
      }
      if (verdict === Verdict.Drop) {
        if (runStart >= 0) {
          this.give(bytes, runStart, position);
          runStart = -1;
        }
      } else {
        if (runStart < 0) runStart = position;
        if (verdict === Verdict.ForwardThenCall) {
          this.give(bytes, runStart, end);
          runStart = -1;
          handler.afterRun();
        }
      }
      position = end;
    }
    if (runStart >= 0) this.give(bytes, runStart, position);
    if (position < to) this.carry.append(bytes, position, to);
  }

  private give(bytes: Uint8Array, start: number, end: number): void {
    if (end > start && this.handler.forward(bytes, start, end)) this.isKept = true;
  }
}
