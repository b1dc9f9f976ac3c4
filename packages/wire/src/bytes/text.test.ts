import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { decodeText, encodeText, textByteLength } from './text.ts';

const texts = [
  '',
  'a',
  'select 1',
  'ä',
  '€',
  '😀',
  'a😀b',
  '\u0000',
  '\ufeffbom',
  '\uffff',
  'x'.repeat(31),
  'ß'.repeat(40),
];

test.each([...texts, texts.join(''), texts.join('').repeat(50)])('%# agrees with the runtime', (text) => {
  const bytes = new TextEncoder().encode(text);
  expect(encodeText(text)).toEqual(bytes);
  expect(textByteLength(text)).toBe(bytes.length);
  expect(decodeText(bytes)).toBe(text);
});

test('every code point, on both sides of the length where the method changes', () => {
  for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 251) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    const bytes = new TextEncoder().encode(character);
    expect(textByteLength(character) === bytes.length && decodeText(encodeText(character)) === character).toBe(true);
  }
});

describe('bytes that are not UTF-8', () => {
  test('become lone surrogates and then themselves again', () => {
    expect(decodeText(Uint8Array.of(0x63, 0xe9))).toBe('c\udce9');
    expect(encodeText('c\udce9')).toEqual(Uint8Array.of(0x63, 0xe9));
  });

  test.each([
    ['a continuation alone', [0x80]],
    ['overlong, two bytes', [0xc0, 0x80]],
    ['overlong, three bytes', [0xe0, 0x9f, 0xbf]],
    ['overlong, four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['cut short', [0xe2, 0x82]],
    ['cut short, then a character', [0xf0, 0x9f, 0x98, 0x41]],
    ['never in UTF-8', [0xff, 0xfe, 0xf8]],
    ['behind an emoji', [0xf0, 0x9f, 0x98, 0x80, 0xe9]],
  ])('round trip: %s', (_what, bytes) => {
    for (const padding of [0, 40]) {
      const all = Uint8Array.from([...bytes, ...new Array<number>(padding).fill(0x61), ...bytes]);
      expect(encodeText(decodeText(all))).toEqual(all);
    }
  });

  test('round trip: random bytes, so no two of them give the same text', () => {
    const random = createSeededRandom(7);
    for (let round = 0; round < 3000; round++) {
      const bytes = random.bytes(random.below(70)).map((byte) => (random.below(3) === 0 ? byte : (byte & 0x3f) | 0xc0));
      const text = decodeText(bytes);
      expect(textByteLength(text)).toBe(bytes.length);
      expect(encodeText(text)).toEqual(bytes);
    }
  });
});

test('other lone surrogates are written as U+FFFD, as the runtime does', () => {
  for (const text of ['\ud83d', 'a\ud83db', '\udc00', '\ud83d\ud83d\ude00']) {
    expect(encodeText(text)).toEqual(new TextEncoder().encode(text));
    expect(textByteLength(text)).toBe(new TextEncoder().encode(text).length);
  }
});

test('lone surrogates of both kinds in one text', () => {
  expect(encodeText('\ud83d-\udcff')).toEqual(Uint8Array.of(0xef, 0xbf, 0xbd, 0x2d, 0xff));
});
