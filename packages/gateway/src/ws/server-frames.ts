/** The frames a server sends (RFC 6455 §5.2): whole, unmasked, without extensions. */
import { FrontViews } from '@postern/pool';

export const FrameCode = { Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

const isLast = 0x80;
const longestHeaderBytes = 10;

/** The header of a binary message of `length` bytes. */
export function encodeFrameHeader(length: number): Uint8Array {
  const header = new Uint8Array(headerBytes(length));
  writeHeader(header, FrameCode.Binary, length);
  return header;
}

/** A whole frame with a copy of `payload`. For control frames that is at most 125 bytes. */
export function encodeFrame(code: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(headerBytes(payload.length) + payload.length);
  frame.set(payload, writeHeader(frame, code, payload.length));
  return frame;
}

/** A close frame; without a code when that is 1005, "none was given". `reason` is cut to what fits, at a character's end. */
export function encodeCloseFrame(code: number, reason: Uint8Array | string): Uint8Array {
  if (code === 1005) return encodeFrame(FrameCode.Close, new Uint8Array(0));
  const payload = new Uint8Array(125);
  payload[0] = code >>> 8;
  payload[1] = code;
  let length = 2;
  if (typeof reason === 'string') length += new TextEncoder().encodeInto(reason, payload.subarray(2)).written;
  else {
    payload.set(reason, 2);
    length += reason.length;
  }
  return encodeFrame(FrameCode.Close, payload.subarray(0, length));
}

/** Where binary messages are put together with their headers, for a transport that copies what it is given. */
export class FrameMemory {
  private readonly allocate: (bytes: number) => Uint8Array;
  private readonly bytes: number;
  private views: FrontViews | undefined;

  /** `maxPayloadBytes`: of a message that fits. */
  constructor(allocate: (bytes: number) => Uint8Array, maxPayloadBytes: number) {
    this.allocate = allocate;
    this.bytes = maxPayloadBytes + longestHeaderBytes;
  }

  /** A frame with a copy of `payload`, valid until the next call. */
  encode(payload: Uint8Array): Uint8Array {
    this.views ??= new FrontViews(this.allocate(this.bytes));
    const { memory } = this.views;
    const { length } = payload;
    const start = writeHeader(memory, FrameCode.Binary, length);
    memory.set(payload, start);
    return this.views.first(start + length);
  }

  /** The frame is still in use: the next one goes elsewhere. */
  giveAway(): void {
    this.views = undefined;
  }
}

function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : longestHeaderBytes;
}

/** Returns where the payload begins. */
function writeHeader(frame: Uint8Array, code: number, length: number): number {
  frame[0] = isLast | code;
  if (length < 126) {
    frame[1] = length;
    return 2;
  }
  if (length < 65_536) {
    frame[1] = 126;
    frame[2] = length >>> 8;
    frame[3] = length;
    return 4;
  }
  frame[1] = 127;
  // Messages are far below 4 GiB.
  frame.fill(0, 2, 6);
  frame[6] = length >>> 24;
  frame[7] = length >>> 16;
  frame[8] = length >>> 8;
  frame[9] = length;
  return longestHeaderBytes;
}
