// The client's half of RFC 6455, as far as a load generator needs it.

const mask = Uint8Array.of(0x5a, 0x13, 0xc7, 0x9e);

export const opcode = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One masked frame. The mask is always the same: the server has to undo it all the same. */
export function encodeFrame(code: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = Buffer.alloc(size + 4 + length);
  frame[0] = 0x80 | code;
  frame[1] = 0x80 | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) frame.writeUInt16BE(length, 2);
  if (size === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(mask, size);
  for (let index = 0; index < length; index++) frame[size + 4 + index] = payload[index]! ^ mask[index & 3]!;
  return frame;
}

export interface FrameHandlers {
  data(bytes: Uint8Array, from: number, to: number): void;
  ping(): void;
  close(): void;
}

export interface FrameReader {
  read(bytes: Uint8Array): void;
}

/** Unwraps a server's frames; payloads are handed on as they come. Payloads of pings are not kept. */
export function createFrameReader(handlers: FrameHandlers): FrameReader {
  const header = new Uint8Array(10);
  let filled = 0;
  let payloadLeft = 0;
  let code = 0;
  return {
    read(bytes) {
      let at = 0;
      while (at < bytes.length) {
        if (payloadLeft > 0) {
          const to = Math.min(bytes.length, at + payloadLeft);
          if (code <= opcode.binary) handlers.data(bytes, at, to);
          payloadLeft -= to - at;
          at = to;
          continue;
        }
        header[filled++] = bytes[at++]!;
        if (filled < 2) continue;
        const short = header[1]!;
        const size = short < 126 ? 2 : short === 126 ? 4 : 10;
        if (filled < size) continue;
        filled = 0;
        code = header[0]! & 15;
        payloadLeft = short < 126 ? short : 0;
        for (let index = 2; index < size; index++) payloadLeft = payloadLeft * 256 + header[index]!;
        if (code === opcode.ping) handlers.ping();
        else if (code === opcode.close) handlers.close();
      }
    },
  };
}
