// The frame reader beside `ws`: the same bytes, cut alike, must give the same payload and the same end.
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { FrameReader } from './frame-reader.ts';

const maxMessageBytes = 5_000;

interface Outcome {
  readonly payload: string;
  readonly pings: readonly string[];
  readonly pongs: number;
  /** `close CODE reason`, `violation CODE`, `text`, or nothing. */
  readonly end: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function readOurs(pieces: readonly Uint8Array[], onChunk?: () => void): Outcome & { readonly calls: number } {
  const payload: string[] = [];
  const pings: string[] = [];
  let pongs = 0;
  let end = '';
  let calls = 0;
  const ended = (what: string): void => {
    expect(end).toBe('');
    end = what;
  };
  const reader = new FrameReader(
    {
      onBytes(bytes) {
        expect(end).toBe('');
        expect(bytes.length).toBeGreaterThan(0);
        calls++;
        payload.push(hex(bytes));
      },
      onText: () => ended('text'),
      onPing: (bytes) => void pings.push(hex(bytes)),
      onPong: () => void pongs++,
      onCloseFrame: (code, reason) => ended(`close ${code} ${hex(reason)}`),
      onViolation: (code) => ended(`violation ${code}`),
    },
    maxMessageBytes,
  );
  for (const piece of pieces) {
    const before = calls;
    // The reader writes to what it is given.
    reader.push(Buffer.from(piece));
    expect(calls - before).toBeLessThanOrEqual(1);
    onChunk?.();
  }
  return { payload: payload.join(''), pings, pongs, end, calls };
}

/** What `ws` makes of the same bytes, through a real handshake on a socket that is none. */
async function readReference(pieces: readonly Uint8Array[]): Promise<Outcome> {
  const written: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      written.push(chunk);
      done();
    },
  });
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    skipUTF8Validation: true,
  };
  const server = new WebSocketServer(settings);
  const payload: string[] = [];
  const pings: string[] = [];
  let pongs = 0;
  let end = '';
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-key': 'cG9zdGVybiBiZW5jaCEhIQ==',
    'sec-websocket-version': '13',
  };
  const request = { method: 'GET', url: '/', headers, socket };
  server.handleUpgrade(request as never, socket, Buffer.alloc(0), (webSocket: WebSocket) => {
    webSocket.on('message', (data, isBinary) => {
      if (end !== '') return;
      if (isBinary) payload.push(hex(data as Buffer));
      else {
        end = 'text';
        webSocket.terminate();
      }
    });
    webSocket.on('ping', (data) => void (end === '' && pings.push(hex(data))));
    webSocket.on('pong', () => void (end === '' && pongs++));
    webSocket.on('error', () => {});
    const { close } = webSocket;
    webSocket.close = (code, reason): void => {
      // Called over a bad frame with a code alone, and over a close frame with what is echoed.
      const error = code === 1002 || code === 1009 ? 'violation' : 'close';
      if (end === '') end = `${error} ${code ?? 1005} ${hex(Buffer.from(reason ?? ''))}`.trimEnd();
      close.call(webSocket, code, reason);
    };
  });
  for (const piece of pieces) socket.push(Buffer.from(piece));
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  return { payload: payload.join(''), pings, pongs, end };
}

/** Numbers between 0 and 1 that a seed decides. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function encode(first: number, payload: Uint8Array, mask: Uint8Array, form?: 0 | 126 | 127, isMasked = true): Buffer {
  const { length } = payload;
  const used = form ?? (length < 126 ? 0 : length < 65_536 ? 126 : 127);
  const head = Buffer.alloc(used === 0 ? 2 : used === 126 ? 4 : 10);
  head[0] = first;
  head[1] = (isMasked ? 0x80 : 0) | (used === 0 ? length : used);
  if (used === 126) head.writeUInt16BE(length, 2);
  if (used === 127) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ mask[index & 3]!)]);
}

/** A conversation of mostly good frames. */
function randomFrames(random: () => number): Buffer {
  const below = (n: number): number => Math.floor(random() * n);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));
  const frames: Buffer[] = [];
  let isFragmented = false;
  const hostility = random() < 0.5 ? 0 : 0.15;
  for (let count = 1 + below(12); count > 0; count--) {
    const mask = random() < 0.1 ? new Uint8Array(4) : bytes(4);
    const form = random() < 0.1 ? ([126, 127] as const)[below(2)] : undefined;
    if (random() < hostility) {
      const kind = below(8);
      if (kind === 0) frames.push(encode(0x80 | below(128), bytes(below(130)), mask));
      else if (kind === 1) frames.push(encode(0x82, bytes(below(20)), mask, undefined, false));
      else if (kind === 2) frames.push(encode(0x88, bytes(below(30)), mask));
      else if (kind === 3) frames.push(encode(0x81, bytes(below(300)), mask));
      else if (kind === 4) frames.push(encode(0x89, bytes(126), mask));
      else if (kind === 5) frames.push(encode(0x82, bytes(maxMessageBytes - 2 + below(5)), mask));
      else if (kind === 6) frames.push(Buffer.from(bytes(below(40))));
      else frames.push(Buffer.concat([Buffer.of(0x82, 0xff, ...bytes(8)), mask]));
      continue;
    }
    const roll = random();
    if (roll < 0.12) frames.push(encode(0x89, bytes(below(126)), mask));
    else if (roll < 0.2) frames.push(encode(0x8a, bytes(below(126)), mask));
    else if (roll < 0.24) {
      const code = [1000, 1001, 1003, 1011, 3000, 4999][below(6)]!;
      frames.push(encode(0x88, Uint8Array.of(code >>> 8, code & 255, ...bytes(below(124))), mask));
    } else if (roll < 0.25) frames.push(encode(0x88, new Uint8Array(0), mask));
    else {
      const length = random() < 0.1 ? 0 : random() < 0.7 ? below(140) : below(1_500);
      const isFinal = random() < 0.7;
      frames.push(encode((isFinal ? 0x80 : 0) | (isFragmented ? 0 : 2), bytes(length), mask, form));
      isFragmented = !isFinal;
    }
  }
  return Buffer.concat(frames);
}

function cut(bytes: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  const most = [1, 3, 20, 200, 5_000][Math.floor(random() * 5)]!;
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * most);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

describe('the frame reader and ws', () => {
  const seeds = process.env.POSTERN_SEED === 'random' ? Math.floor(Math.random() * 1e9) : 20_261_124;

  it(`agree on random frames, cut anywhere (seed ${seeds})`, async () => {
    for (let seed = seeds; seed < seeds + 600; seed++) {
      const random = createRandom(seed);
      const bytes = randomFrames(random);
      const pieces = cut(bytes, random);
      const ours = readOurs(pieces);
      const reference = await readReference(pieces);
      const what = `seed ${seed}: ${hex(bytes)}`;
      expect(ours.end.trimEnd(), what).toBe(reference.end);
      expect(ours.pings, what).toEqual(reference.pings);
      expect(ours.pongs, what).toBe(reference.pongs);
      // `ws` holds a message back until it is whole; ours gives out what is there.
      expect(ours.payload.startsWith(reference.payload), what).toBe(true);
      // And however it is cut, it is the same.
      const joined = readOurs([bytes]);
      expect({ ...joined, calls: 0 }, what).toEqual({ ...ours, calls: 0 });
    }
    // Half a minute on a machine that others use as well.
  }, 240_000);

  it('agree on every code a close frame may have', async () => {
    const codes = [...Array.from({ length: 20 }, (_, n) => 998 + n), 0, 2_999, 3_000, 4_999, 5_000, 65_535];
    for (const code of codes) {
      const frame = encode(0x88, Uint8Array.of(code >>> 8, code & 255, 0x61), Uint8Array.of(1, 2, 3, 4));
      const ours = readOurs([frame]);
      // `ws` itself answers with these, so its own close() cannot be told from an error there.
      if (code === 1002 || code === 1009) expect(ours.end).toBe(`close ${code} 61`);
      else expect(ours.end).toBe((await readReference([frame])).end);
    }
  });
});

describe('the frame reader', () => {
  const mask = Uint8Array.of(0x5a, 0x13, 0xc7, 0x9e);

  it('undoes masks of payloads of every length, at every place in memory', () => {
    for (let length = 0; length < 300; length++) {
      const payload = Uint8Array.from({ length }, (_, index) => (index * 7) & 255);
      const frame = encode(0x82, payload, mask);
      const memory = Buffer.alloc(frame.length + 8);
      frame.copy(memory, length & 7);
      const at = length & 7;
      const seen: string[] = [];
      const handler = {
        onBytes: (bytes: Uint8Array) => void seen.push(hex(bytes)),
        onText() {},
        onPing() {},
        onPong() {},
        onCloseFrame() {},
        onViolation() {},
      };
      new FrameReader(handler, 1_000).push(memory.subarray(at, at + frame.length));
      expect(seen.join('')).toBe(hex(payload));
    }
  });

  it('gives out what one chunk brought in one piece, whatever lies between', () => {
    const frames = Buffer.concat([
      encode(0x02, Buffer.from('one '), mask),
      encode(0x89, Buffer.from('ping'), mask),
      encode(0x80, Buffer.from('message, '), mask),
      encode(0x82, Buffer.alloc(0), mask),
      encode(0x82, Buffer.alloc(300, 'x'), mask),
    ]);
    const { payload, pings, calls } = readOurs([frames]);
    expect(Buffer.from(payload, 'hex').toString()).toBe(`one message, ${'x'.repeat(300)}`);
    expect(pings).toEqual([hex(Buffer.from('ping'))]);
    expect(calls).toBe(1);
  });

  it('gives out the bytes before a violation, and nothing after it', () => {
    const good = encode(0x82, Buffer.from('good'), mask);
    const { payload, end } = readOurs([Buffer.concat([good, encode(0xc2, Buffer.from('bad'), mask), good]), good]);
    expect([payload, end]).toEqual([hex(Buffer.from('good')), 'violation 1002']);
  });

  it('says nothing more once it was stopped, though a violation follows in the same chunk', () => {
    const said: string[] = [];
    const reader: FrameReader = new FrameReader(
      {
        onBytes: () => reader.stop(),
        onText: () => void said.push('text'),
        onPing() {},
        onPong() {},
        onCloseFrame: () => void said.push('close'),
        onViolation: () => void said.push('violation'),
      },
      1_000,
    );
    reader.push(Buffer.concat([encode(0x82, Buffer.from('x'), mask), encode(0xc2, Buffer.from('y'), mask)]));
    expect(said).toEqual([]);
  });

  it('refuses a message by its announced length, before its bytes', () => {
    const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    expect(readOurs([header]).end).toBe('violation 1009');
    const fragment = encode(0x02, new Uint8Array(3_000), mask);
    const rest = encode(0x80, new Uint8Array(3_000), mask);
    expect(readOurs([fragment, rest.subarray(0, 4)]).end).toBe('violation 1009');
  });
});
