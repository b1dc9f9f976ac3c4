import { describe, expect, test } from 'vitest';
import {
  createSessionFrameDecoder,
  decodeHello,
  encodeHello,
  encodeSessionCredit,
  encodeSessionEnd,
  encodeSessionFrame,
  SessionFrameError,
  sessionLimits,
} from './session-frames.ts';

/** What the decoder found; consecutive bytes of one session are joined, because a frame may come in several calls. */
type Found = ['bytes', number, string] | ['end', number] | ['credit', number, number];

function decode(chunks: Iterable<Uint8Array>): Found[] {
  const found: Found[] = [];
  const decoder = createSessionFrameDecoder({
    onBytes(session, bytes) {
      expect(bytes.length).toBeGreaterThan(0);
      const text = String.fromCharCode(...bytes);
      const last = found.at(-1);
      if (last?.[0] === 'bytes' && last[1] === session) last[2] += text;
      else found.push(['bytes', session, text]);
    },
    onEnd: (session) => void found.push(['end', session]),
    onCredit: (session, bytes) => void found.push(['credit', session, bytes]),
  });
  for (const chunk of chunks) {
    // Borrowed: what was pushed is overwritten at once.
    const copy = chunk.slice();
    decoder.push(copy);
    copy.fill(0xee);
  }
  return found;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function* pieces(all: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

const conversation = join(
  encodeSessionFrame(1, ascii('abc')),
  encodeSessionFrame(0x7fff_ffff, ascii('x')),
  encodeSessionCredit(1, 262_144),
  encodeSessionFrame(2, ascii('0123456789')),
  encodeSessionEnd(1),
  encodeSessionCredit(2, 1),
  encodeSessionEnd(2),
);
const conversationFound: Found[] = [
  ['bytes', 1, 'abc'],
  ['bytes', 0x7fff_ffff, 'x'],
  ['credit', 1, 262_144],
  ['bytes', 2, '0123456789'],
  ['end', 1],
  ['credit', 2, 1],
  ['end', 2],
];

test('a frame is two numbers in network order and the bytes', () => {
  expect(encodeSessionFrame(258, ascii('hi'))).toEqual(bytes(0, 0, 1, 2, 0, 0, 0, 2, 0x68, 0x69));
  expect(encodeSessionEnd(7)).toEqual(bytes(0, 0, 0, 7, 0, 0, 0, 0));
  const credit = encodeSessionCredit(7, 9);
  expect(JSON.parse(new TextDecoder().decode(credit.subarray(8)))).toEqual({ type: 'credit', session: 7, bytes: 9 });
  expect(credit.subarray(0, 4)).toEqual(bytes(0, 0, 0, 0));
});

describe('the decoder', () => {
  test('finds the same wherever the bytes are cut in two', () => {
    for (let cut = 0; cut <= conversation.length; cut++) {
      expect(decode([conversation.subarray(0, cut), conversation.subarray(cut)])).toEqual(conversationFound);
    }
  });

  test.each([1, 2, 3, 7, 8, 9, 64, 1000])('finds the same in pieces of %i bytes', (size) => {
    expect(decode(pieces(conversation, size))).toEqual(conversationFound);
  });

  test('reads views into larger memory', () => {
    const larger = join(bytes(1, 2, 3), conversation, bytes(4));
    expect(decode([larger.subarray(3, 3 + conversation.length)])).toEqual(conversationFound);
  });

  test('hands payload on as it comes, not when the frame is complete', () => {
    const frame = encodeSessionFrame(1, new Uint8Array(sessionLimits.maxPayloadBytes));
    const sizes: number[] = [];
    const decoder = createSessionFrameDecoder({
      onBytes: (_, part) => void sizes.push(part.length),
      onEnd: () => {},
      onCredit: () => {},
    });
    decoder.push(frame.subarray(0, 100));
    expect(sizes).toEqual([92]);
    decoder.push(frame.subarray(100));
    expect(sizes).toEqual([92, sessionLimits.maxPayloadBytes - 92]);
  });

  test('does not mind control types it does not know', () => {
    const control = encodeSessionFrame(0, ascii('{"type":"weather","is":"fine"}'));
    expect(decode([join(control, encodeSessionEnd(3))])).toEqual([['end', 3]]);
  });

  test.each([
    ['an id beyond 31 bits', bytes(0x80, 0, 0, 0, 0, 0, 0, 0), 'session id'],
    ['a payload beyond the limit', bytes(0, 0, 0, 1, 0, 0x10, 0, 1), 'longer than 1048576'],
    ['the largest length there is', bytes(0, 0, 0, 1, 255, 255, 255, 255), 'longer than 1048576'],
    ['a control frame beyond its limit', bytes(0, 0, 0, 0, 0, 0, 4, 1), 'longer than 1024'],
    ['an empty control frame', bytes(0, 0, 0, 0, 0, 0, 0, 0), 'empty'],
    ['control that is not JSON', encodeSessionFrame(0, ascii('{')), 'JSON'],
    ['control that is not UTF-8', encodeSessionFrame(0, bytes(0x22, 0xff, 0x22)), 'JSON'],
    ['control that is no object', encodeSessionFrame(0, ascii('null')), 'JSON object'],
    ['control without a type', encodeSessionFrame(0, ascii('{}')), 'with a type'],
    ['credit for no session', encodeSessionFrame(0, ascii('{"type":"credit","bytes":1}')), 'makes no sense'],
    ['credit for session 0', encodeSessionCredit(0, 1), 'makes no sense'],
    ['no credit', encodeSessionCredit(1, 0), 'makes no sense'],
    ['negative credit', encodeSessionCredit(1, -1), 'makes no sense'],
    ['credit in part', encodeSessionCredit(1, 1.5), 'makes no sense'],
    ['endless credit', encodeSessionFrame(0, ascii('{"type":"credit","session":1,"bytes":1e400}')), 'makes no sense'],
    ['text as a number', encodeSessionFrame(0, ascii('{"type":"credit","session":"1","bytes":1}')), 'makes no sense'],
  ])('refuses %s, whole and byte by byte, and stays failed', (_, garbage, reason) => {
    for (const size of [1, garbage.length]) {
      const found: number[] = [];
      const decoder = createSessionFrameDecoder({
        onBytes: () => void found.push(1),
        onEnd: () => void found.push(2),
        onCredit: () => void found.push(3),
      });
      const push = (): void => {
        for (const piece of pieces(garbage, size)) decoder.push(piece);
      };
      expect(push).toThrow(SessionFrameError);
      expect(push).toThrow(reason);
      expect(() => decoder.push(encodeSessionEnd(1))).toThrow(reason);
      expect(found).toEqual([]);
    }
  });

  test('survives random bytes: something found, or a SessionFrameError', () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return seed >> 16;
    };
    for (let round = 0; round < 2_000; round++) {
      // Small numbers in front, so that many headers are valid.
      const noise = Uint8Array.from({ length: random() % 64 }, (_, index) => (index % 4 === 3 ? random() % 8 : 0));
      if (round % 2 === 0) for (let index = 0; index < noise.length; index++) noise[index] = random();
      try {
        decode(pieces(noise, 1 + (random() % 8)));
      } catch (error) {
        expect(error).toBeInstanceOf(SessionFrameError);
      }
    }
  });

  test('stays failed with what the handler threw', () => {
    const decoder = createSessionFrameDecoder({
      onBytes: () => {
        throw new RangeError('too much');
      },
      onEnd: () => {},
      onCredit: () => {},
    });
    expect(() => decoder.push(encodeSessionFrame(1, ascii('a')))).toThrow(RangeError);
    expect(() => decoder.push(encodeSessionEnd(1))).toThrow('too much');
  });
});

test('close reasons fit into a close frame', () => {
  for (const garbage of [bytes(0x80, 0, 0, 0, 0, 0, 0, 0), encodeSessionFrame(0, ascii('x'.repeat(1_000)))]) {
    const decoder = createSessionFrameDecoder({ onBytes() {}, onEnd() {}, onCredit() {} });
    try {
      decoder.push(garbage);
      expect.unreachable();
    } catch (error) {
      expect(new TextEncoder().encode((error as Error).message).length).toBeLessThanOrEqual(123);
    }
  }
});

describe('the hello', () => {
  test('comes back for every length and every byte, as a valid subprotocol name', () => {
    for (let length = 0; length < 300; length++) {
      const frames = Uint8Array.from({ length }, (_, index) => index);
      const name = encodeHello(frames);
      expect(name).toMatch(/^p\.[\w-]*$/);
      expect(decodeHello(['postern.v1', name])).toEqual(frames);
    }
  });

  test('of the largest size is taken, one byte more is not', () => {
    const largest = new Uint8Array(sessionLimits.maxHelloBytes);
    expect(decodeHello([encodeHello(largest)])).toEqual(largest);
    expect(() => decodeHello([encodeHello(new Uint8Array(largest.length + 1))])).toThrow(SessionFrameError);
  });

  test('is not there', () => {
    expect(decodeHello(['postern.v1', 'other'])).toBeUndefined();
  });

  test.each(['p.a', 'p.ab=', 'p.a+b/', 'p.ä'])('%s is refused', (name) => {
    expect(() => decodeHello([name])).toThrow('base64url');
  });
});
