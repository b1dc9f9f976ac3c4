import { describe, expect, test } from 'vitest';
import { createFragment, createJsonWriter, type JsonWriterOptions } from './json-writer.ts';

const utf8 = new TextEncoder();
type WriterOptions = Partial<JsonWriterOptions>;
const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/**
 * `value` written as a JSON string, from the middle of a larger array; `readFrom`: of one that is announced, so that words
 * may be copied as long as the array goes on for `behind` bytes.
 */
function writtenFrom(bytes: Uint8Array, options: WriterOptions, behind: number, readFrom: boolean): string {
  const around = new Uint8Array(3 + bytes.length + behind).fill(0x80);
  around.set(bytes, 3);
  const writer = createJsonWriter({ maxBytes: 1e6, ...options });
  if (readFrom) writer.readFrom(around);
  writer.string(around, 3, 3 + bytes.length);
  return text(writer.finish());
}

/** The same in all ways. */
function written(value: string | Uint8Array, options: WriterOptions = {}): string {
  const bytes = typeof value === 'string' ? utf8.encode(value) : value;
  for (const behind of [0, 3, 4, 9]) {
    const outcomeOf = (readFrom: boolean): unknown => {
      try {
        return writtenFrom(bytes, options, behind, readFrom);
      } catch (error) {
        return error;
      }
    };
    expect(outcomeOf(true)).toEqual(outcomeOf(false));
  }
  return writtenFrom(bytes, options, 3, false);
}

describe('string', () => {
  test('every character of the basic plane, and some beyond', () => {
    for (let base = 0; base < 0x10000; base += 64) {
      let value = '';
      for (let code = base; code < base + 64; code++)
        if (code < 0xd800 || code > 0xdfff) value += String.fromCharCode(code);
      expect(written(value)).toBe(JSON.stringify(value));
    }
    for (const code of [0x10000, 0x1f418, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff]) {
      expect(written(String.fromCodePoint(code))).toBe(JSON.stringify(String.fromCodePoint(code)));
    }
  });

  test('random strings, buffers that start tiny', () => {
    let seed = 20240229;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % below;
    };
    const alphabet = [
      'a',
      'Z',
      ' ',
      '"',
      '\\',
      '/',
      '\n',
      '\t',
      '\0',
      '\u001f',
      '\u007f',
      'é',
      '€',
      '\u2028',
      '🐘',
      '\ufffd',
    ];
    for (let round = 0; round < 2000; round++) {
      let value = '';
      for (let length = random(round % 100 === 0 ? 3000 : 40); length > 0; length--)
        value += alphabet[random(alphabet.length)];
      expect(written(value, { initialBytes: 1 + random(8) })).toBe(JSON.stringify(value));
    }
  });

  test.each([
    ['a lone continuation byte', [0x61, 0x80]],
    ['a lead byte at the end', [0xc3]],
    ['a lead byte before ASCII', [0xc3, 0x28]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong three-byte form', [0xe0, 0x9f, 0xbf]],
    ['an overlong four-byte form', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte UTF-8 never uses', [0xff]],
    ['three of four bytes', [0xf0, 0x9f, 0x90]],
    ['two of three bytes', [0xe2, 0x82]],
    ['latin-1', [0x63, 0x61, 0x66, 0xe9]],
  ])('refuses %s', (_, bytes) => {
    expect(() => written(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'invalid_encoding' }));
    const writer = createJsonWriter({ maxBytes: 100 });
    expect(() => writer.rawText(Uint8Array.from(bytes), 0, bytes.length)).toThrow(
      expect.objectContaining({ code: 'invalid_encoding' }),
    );
  });
});

describe('the rest', () => {
  test('integers', () => {
    for (const value of [0, 9, 10, -1, 4294967295, -2147483648, 65535]) {
      const writer = createJsonWriter({ maxBytes: 100, initialBytes: 1 });
      writer.integer(value);
      expect(text(writer.finish())).toBe(String(value));
    }
  });

  test('fragments of all lengths', () => {
    for (let length = 0; length < 20; length++) {
      const bytes = utf8.encode('{"a":"é😀",012345678'.slice(0, length));
      const writer = createJsonWriter({ maxBytes: 100, initialBytes: 1 });
      writer.byte(0x2d);
      writer.fragment(createFragment(bytes));
      writer.byte(0x2d);
      expect(text(writer.finish())).toBe(`-${text(bytes)}-`);
    }
  });

  test('raw bytes of announced memory, up to its end', () => {
    const bytes = utf8.encode('0123456789');
    for (let start = 0; start <= bytes.length; start++) {
      for (let end = start; end <= bytes.length; end++) {
        const writer = createJsonWriter({ maxBytes: 100, initialBytes: 1 });
        writer.readFrom(bytes);
        writer.raw(bytes, start, end);
        writer.byte(0x21);
        expect(text(writer.finish())).toBe(`${'0123456789'.slice(start, end)}!`);
      }
    }
  });

  test('raw bytes, short and long, parts and whole', () => {
    const long = utf8.encode('0123456789'.repeat(50));
    const writer = createJsonWriter({ maxBytes: 10_000, initialBytes: 4 });
    writer.raw(long);
    writer.raw(long, 2, 5);
    writer.raw(long, 10, 400);
    writer.byte(0x21);
    writer.rawText(utf8.encode('{"ä":"🐘"}'), 0, 13);
    expect(text(writer.finish())).toBe(`${text(long)}234${text(long.subarray(10, 400))}!{"ä":"🐘"}`);
  });
});

describe('the limit', () => {
  const tooLarge = expect.objectContaining({
    code: 'response_too_large',
    message: 'response is too large (max is 10 bytes)',
  });

  test.each(['12345678', '\n\n\n\n', '🐘🐘'])('exactly as long as allowed: %j', (value) => {
    expect(written(value, { maxBytes: 10 })).toBe(JSON.stringify(value));
  });

  test.each(['123456789', '\n\n\n\n\n', '1\u0001\u00012', '🐘🐘1', 'x'.repeat(1000)])('one more: %j', (value) => {
    expect(() => written(value, { maxBytes: 10 })).toThrow(tooLarge);
  });

  test('every method keeps it', () => {
    const nine = utf8.encode('123456789');
    for (const write of [
      (writer: ReturnType<typeof createJsonWriter>) => writer.raw(nine),
      (writer: ReturnType<typeof createJsonWriter>) => writer.rawText(nine, 0, 9),
      (writer: ReturnType<typeof createJsonWriter>) => writer.integer(123456789),
      (writer: ReturnType<typeof createJsonWriter>) => writer.byte(1),
      (writer: ReturnType<typeof createJsonWriter>) => writer.fragment(createFragment(nine)),
    ]) {
      const writer = createJsonWriter({ maxBytes: 10 });
      expect(() => {
        for (let i = 0; i < 11; i++) write(writer);
        writer.finish();
      }).toThrow(tooLarge);
    }
  });
});

describe('its memory', () => {
  const memoryOf = (count: number, writer: ReturnType<typeof createJsonWriter>): ArrayBufferLike => {
    for (let i = 0; i < count; i++) writer.byte(0x30);
    return writer.written().buffer;
  };

  test('is used for the next document, up to the size that may be kept', () => {
    const writer = createJsonWriter({ maxBytes: 10_000, initialBytes: 10 });
    const first = memoryOf(10, writer);
    writer.reset();
    expect(memoryOf(10, writer)).toBe(first);
    const large = memoryOf(100, writer);
    expect(large).not.toBe(first);
    writer.reset(1_000);
    expect(memoryOf(100, writer)).toBe(large);
    writer.reset(100);
    expect(memoryOf(10, writer)).not.toBe(large);
  });

  test('is not used again once it was given away', () => {
    const writer = createJsonWriter({ maxBytes: 10_000, initialBytes: 10 });
    const first = memoryOf(10, writer);
    writer.giveAway();
    writer.reset();
    expect(memoryOf(10, writer)).not.toBe(first);
    const finished = writer.finish();
    writer.reset();
    expect(memoryOf(10, writer)).not.toBe(finished.buffer);
  });
});
