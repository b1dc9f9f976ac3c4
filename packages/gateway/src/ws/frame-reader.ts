/**
 * Reads what a client sends on a WebSocket (RFC 6455 §5): cuts it into frames, undoes their masks in place and hands the
 * payload on. It keeps no payload: a message is given out as it arrives, since where one ends means nothing here.
 * What it accepts, and the close codes for what it does not, are those of `ws` (frame-reader.test.ts compares them).
 */

export interface FrameHandler {
  /** Payload of binary messages; borrowed. At most one call per `push`, the last one unless the WebSocket is over. */
  onBytes(bytes: Uint8Array): void;
  /** A text message has ended; its content was dropped. Nothing more is read. */
  onText(): void;
  /** `payload` is borrowed. Bytes that came before it may be given out later. */
  onPing(payload: Uint8Array): void;
  onPong(): void;
  /** `code` is 1005 when the frame had none; `reason` is borrowed. Nothing more is read. */
  onCloseFrame(code: number, reason: Uint8Array): void;
  /** The peer broke the rules; the code is what to close with. Nothing more is read. */
  onViolation(closeCode: number): void;
}

const opcodeText = 1;
const opcodeBinary = 2;
const opcodeClose = 8;
const opcodePing = 9;
const opcodePong = 10;

const protocolError = 1002;
const messageTooBig = 1009;
const noCode = 1005;

const maxControlBytes = 125;
/** The longest header and the longest control frame both fit. */
const partialBytes = 144;
/** From this length on, masks are undone word by word. */
const wordWiseBytes = 128;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export class FrameReader {
  private readonly handler: FrameHandler;
  private readonly maxMessageBytes: number;
  /** Payload of the current data frame still to come, and the mask its next byte begins with. */
  private payloadLeft = 0;
  private mask = 0;
  private isFinal = false;
  /** Kind of the message whose frames are coming; 0: none. */
  private message = 0;
  private messageBytes = 0;
  /** A header, or a control frame, that has come in part. */
  private partial: Uint8Array | undefined;
  private partialLength = 0;
  private isOver = false;

  constructor(handler: FrameHandler, maxMessageBytes: number) {
    this.handler = handler;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Takes the next bytes of the connection; their memory is written to. */
  push(chunk: Uint8Array): void {
    if (this.isOver) return;
    let at = this.partial === undefined ? 0 : this.finishPartial(chunk);
    let runStart = at;
    let runEnd = at;
    while (at < chunk.length && !this.isOver) {
      if (this.payloadLeft > 0) {
        const count = Math.min(this.payloadLeft, chunk.length - at);
        if (this.message === opcodeBinary) {
          // Payloads of several frames are moved together: one piece for the owner.
          if (runStart === runEnd) {
            runStart = at;
            runEnd = at;
          } else if (runEnd !== at) chunk.copyWithin(runEnd, at, at + count);
          this.mask = unmask(chunk, runEnd, runEnd + count, this.mask);
          runEnd += count;
        }
        at += count;
        this.payloadLeft -= count;
        if (this.payloadLeft > 0) break;
        if (this.isFinal && this.endMessage()) {
          this.give(chunk, runStart, runEnd);
          this.finish(chunk, at, -opcodeText);
          return;
        }
        continue;
      }
      const used = this.readFrame(chunk, at, chunk.length);
      if (used > 0) at += used;
      else if (used === 0) {
        this.partial = new Uint8Array(partialBytes);
        this.partial.set(chunk.subarray(at));
        this.partialLength = chunk.length - at;
        break;
      } else {
        this.give(chunk, runStart, runEnd);
        this.finish(chunk, at, used);
        return;
      }
    }
    this.give(chunk, runStart, runEnd);
  }

  /** Nothing more is read. */
  stop(): void {
    this.isOver = true;
    this.partial = undefined;
  }

  private give(chunk: Uint8Array, start: number, end: number): void {
    if (end > start) this.handler.onBytes(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
  }

  /** Completes what had come in part; returns how much of `chunk` that took. */
  private finishPartial(chunk: Uint8Array): number {
    const partial = this.partial!;
    const had = this.partialLength;
    const count = Math.min(partial.length - had, chunk.length);
    partial.set(count === chunk.length ? chunk : chunk.subarray(0, count), had);
    this.partialLength = had + count;
    const used = this.readFrame(partial, 0, had + count);
    if (used === 0) return count;
    this.partial = undefined;
    if (used > 0) return used - had;
    this.finish(partial, 0, used);
    return chunk.length;
  }

  /**
   * Reads the header at `bytes[at..end)`, and the payload too where it is a control frame's. Returns the bytes used; 0 when
   * more are needed (and nothing has changed); or what `finish` is to do.
   */
  private readFrame(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 2) return 0;
    const first = bytes[at]!;
    const opcode = first & 15;
    const isFinal = first >= 0x80;
    let length = bytes[at + 1]! & 0x7f;
    // No extension is ever agreed upon, so no reserved bit has a meaning.
    if ((first & 0x70) !== 0) return -protocolError;
    if (opcode === 0) {
      if (this.message === 0) return -protocolError;
    } else if (opcode === opcodeText || opcode === opcodeBinary) {
      if (this.message !== 0) return -protocolError;
    } else if (opcode >= opcodeClose && opcode <= opcodePong) {
      if (!isFinal || length > maxControlBytes || (opcode === opcodeClose && length === 1)) return -protocolError;
    } else return -protocolError;
    if (bytes[at + 1]! < 0x80) return -protocolError;

    let next = at + 2;
    if (length === 126) {
      if (end - next < 2) return 0;
      length = (bytes[next]! << 8) | bytes[next + 1]!;
      next += 2;
    } else if (length === 127) {
      if (end - next < 8) return 0;
      length = 0;
      // Beyond 2^53 the sum is not exact, and far beyond any limit.
      for (let i = 0; i < 8; i++) length = length * 256 + bytes[next + i]!;
      next += 8;
    }
    if (opcode < opcodeClose && length > 0 && this.messageBytes + length > this.maxMessageBytes) return -messageTooBig;
    if (end - next < 4) return 0;
    const mask = bytes[next]! | (bytes[next + 1]! << 8) | (bytes[next + 2]! << 16) | (bytes[next + 3]! << 24);
    next += 4;

    if (opcode >= opcodeClose) {
      if (end - next < length) return 0;
      unmask(bytes, next, next + length, mask);
      return this.control(opcode, bytes, next, next + length) ? next + length - at : -noCode;
    }
    if (opcode !== 0) this.message = opcode;
    this.messageBytes += length;
    this.isFinal = isFinal;
    this.payloadLeft = length;
    this.mask = mask;
    if (length === 0 && isFinal && this.endMessage()) return -opcodeText;
    return next - at;
  }

  /** A message has ended; true: it was text. */
  private endMessage(): boolean {
    const isText = this.message === opcodeText;
    this.message = 0;
    this.messageBytes = 0;
    return isText;
  }

  /** False: it is a close frame. */
  private control(opcode: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (opcode === opcodePing) this.handler.onPing(bytes.subarray(start, end));
    else if (opcode === opcodePong) this.handler.onPong();
    return opcode !== opcodeClose;
  }

  /** What ended the reading at `bytes[at..)`, as `readFrame` told it; told only after the bytes before it were given out. */
  private finish(bytes: Uint8Array, at: number, told: number): void {
    const { handler } = this;
    // Whoever got the bytes before may have closed.
    if (this.isOver) return;
    this.stop();
    if (told === -opcodeText) handler.onText();
    else if (told !== -noCode) handler.onViolation(-told);
    else {
      const start = at + 6;
      const length = bytes[at + 1]! & 0x7f;
      const code = length === 0 ? noCode : (bytes[start]! << 8) | bytes[start + 1]!;
      if (length === 0) handler.onCloseFrame(code, noBytes);
      else if (mayBeSent(code)) handler.onCloseFrame(code, bytes.subarray(start + 2, start + length));
      else handler.onViolation(protocolError);
    }
  }
}

const noBytes: Uint8Array = new Uint8Array(0);

/** Whether a close frame may carry the code (RFC 6455 §7.4). */
function mayBeSent(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code < 5000)
  );
}

/** Undoes a mask in place. The mask's lowest byte is for the first byte; returns the mask for what follows. */
function unmask(bytes: Uint8Array, start: number, end: number, mask: number): number {
  let at = start;
  let turned = mask;
  if (end - start >= wordWiseBytes) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at++) {
      bytes[at]! ^= turned & 255;
      turned = turn(turned, 1);
    }
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >>> 2);
    const word = isLittleEndian ? turned : swapped(turned);
    for (let i = 0; i < words.length; i++) words[i]! ^= word;
    at += words.length * 4;
  }
  const second = turned >>> 8;
  const third = turned >>> 16;
  const fourth = turned >>> 24;
  for (; at + 4 <= end; at += 4) {
    bytes[at]! ^= turned;
    bytes[at + 1]! ^= second;
    bytes[at + 2]! ^= third;
    bytes[at + 3]! ^= fourth;
  }
  const rest = end - at;
  for (let i = 0; at < end; at++, i += 8) bytes[at]! ^= turned >>> i;
  return turn(turned, rest);
}

/** The mask after `count` (0 to 3) more bytes. */
function turn(mask: number, count: number): number {
  return count === 0 ? mask : (mask >>> (8 * count)) | (mask << (32 - 8 * count));
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
