import { describe, expect, test } from 'vitest';
import { createJsonMemory } from './json-memory.ts';
import { createJsonWriter } from './json-writer.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const ascii = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('documents written in lent memory', () => {
  test('stay as they are when the memory is used again', () => {
    const memory = createJsonMemory({ bufferBytes: 16 });
    const documents = ['first', 'second', 'third'].map((word) => {
      const writer = createJsonWriter({ maxBytes: 100, memory });
      writer.string(ascii(word), 0, word.length);
      return writer.finish();
    });
    expect(documents.map(text)).toEqual(['"first"', '"second"', '"third"']);
    expect(documents.map(({ buffer }) => buffer.byteLength)).toEqual([7, 8, 7]);
  });

  test('written at the same time do not meet, whichever is done first', () => {
    const memory = createJsonMemory({ bufferBytes: 16, maxBuffers: 1 });
    const writers = Array.from({ length: 3 }, () => createJsonWriter({ maxBytes: 100, memory }));
    for (const letter of 'abcdefgh') {
      for (const [index, writer] of writers.entries()) writer.raw(ascii(`${letter}${index}`));
    }
    const documents = [2, 0, 1].map((index) => text(writers[index]!.finish()));
    const next = createJsonWriter({ maxBytes: 100, memory });
    next.raw(ascii('next'));
    expect(documents).toEqual(['a2b2c2d2e2f2g2h2', 'a0b0c0d0e0f0g0h0', 'a1b1c1d1e1f1g1h1']);
    expect(text(next.finish())).toBe('next');
  });

  test('outgrow it, and leave it to the next', () => {
    let taken = 0;
    const real = createJsonMemory({ bufferBytes: 16 });
    const memory = {
      ...real,
      take() {
        taken++;
        return real.take();
      },
    };
    const long = createJsonWriter({ maxBytes: 1_000, memory });
    for (let times = 0; times < 50; times++) long.raw(ascii('0123456789'));
    const short = createJsonWriter({ maxBytes: 1_000, memory });
    short.raw(ascii('short'));
    expect(text(long.finish())).toBe('0123456789'.repeat(50));
    expect(text(short.finish())).toBe('short');
    expect(taken).toBe(2);
    // One that is too long for it from the start never takes it.
    const longest = createJsonWriter({ maxBytes: 1_000, memory });
    longest.raw(ascii('x'.repeat(17)));
    expect([text(longest.finish()), taken]).toEqual(['x'.repeat(17), 2]);
  });

  test('have their limit, also where it is smaller than the memory', () => {
    for (const maxBytes of [10, 20]) {
      const writer = createJsonWriter({ maxBytes, memory: createJsonMemory({ bufferBytes: 16 }) });
      expect(() => {
        for (let times = 0; times < 5; times++) writer.raw(ascii('012345'));
        writer.finish();
      }).toThrow(`max is ${maxBytes} bytes`);
    }
  });
});
