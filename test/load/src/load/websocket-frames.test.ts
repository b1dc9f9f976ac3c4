import { expect, test } from 'vitest';
import * as ws from 'ws';
import { createFrameReader, encodeFrame, opcode } from './websocket-frames.ts';

const serverFrame = (first: number, payload: Buffer): Buffer => {
  const size = payload.length < 126 ? 2 : payload.length < 65536 ? 4 : 10;
  const header = Buffer.alloc(size);
  header[0] = first;
  header[1] = size === 2 ? payload.length : size === 4 ? 126 : 127;
  if (size === 4) header.writeUInt16BE(payload.length, 2);
  if (size === 10) header.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([header, payload]);
};

// Exported by ws, but not declared in its types.
const { Receiver } = ws as unknown as { Receiver: new (options: object) => NodeJS.WritableStream };

test.each([1, 7, 1000, 1_000_000])('unwraps frames in pieces of %d bytes', (piece) => {
  const payloads = [0, 5, 125, 126, 70_000].map((length) => Buffer.alloc(length, length));
  const bytes = Buffer.concat([
    ...payloads.map((payload) => serverFrame(0x82, payload)),
    serverFrame(0x89, Buffer.from('are you there')),
    serverFrame(0x88, Buffer.from([3, 232])),
  ]);
  const seen: Buffer[] = [];
  const events: string[] = [];
  const reader = createFrameReader({
    data: (chunk, from, to) => seen.push(Buffer.from(chunk.subarray(from, to))),
    ping: () => events.push('ping'),
    close: () => events.push('close'),
  });
  for (let at = 0; at < bytes.length; at += piece) reader.read(bytes.subarray(at, at + piece));
  expect(Buffer.concat(seen).equals(Buffer.concat(payloads))).toBe(true);
  expect(events).toEqual(['ping', 'close']);
});

test.each([3, 200, 70_000])('frames of %d bytes say the same to ws', async (length) => {
  const payload = Buffer.alloc(length, 'abc');
  const receiver = new Receiver({ isServer: true, maxPayload: 0 });
  const received = new Promise<Buffer>((resolve) => receiver.on('message', resolve as () => void));
  receiver.write(encodeFrame(opcode.binary, payload));
  expect((await received).equals(payload)).toBe(true);
});
