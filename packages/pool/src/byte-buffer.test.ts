import { expect, test } from 'vitest';
import { ByteBuffer, copyBytes } from './byte-buffer.ts';

test.each([0, 1, 47, 48, 49, 1_000])('copies a run of %i bytes and touches nothing else', (length) => {
  const source = Uint8Array.from({ length: length + 10 }, (_, i) => i + 1);
  const target = new Uint8Array(length + 10).fill(0xaa);
  copyBytes(source, 3, 3 + length, target, 5);
  expect([...target]).toEqual([
    ...new Array(5).fill(0xaa),
    ...source.subarray(3, 3 + length),
    ...new Array(5).fill(0xaa),
  ]);
});

test('what is appended is read once, in order, however it is cut', () => {
  const buffer = new ByteBuffer();
  let written = 0;
  let read = 0;
  let seed = 1;
  for (let step = 0; step < 3_000; step++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const piece = Uint8Array.from({ length: seed % 700 }, (_, i) => (written + i) & 0xff);
    buffer.append(piece);
    written += piece.length;
    const take = Math.min(buffer.length, (seed >> 8) % 1_400);
    for (let i = 0; i < take; i++, read++) {
      if (buffer.bytes[buffer.start + i] !== (read & 0xff)) throw new Error(`byte ${read} is wrong`);
    }
    buffer.consume(take);
  }
  expect(buffer.length).toBe(written - read);
  expect(read).toBeGreaterThan(500_000);
});

test('takes a part of what it is given, and gives its memory back when it is empty', () => {
  const buffer = new ByteBuffer();
  buffer.append(Uint8Array.of(1, 2, 3, 4, 5), 1, 4);
  expect([...buffer.bytes.subarray(buffer.start, buffer.end)]).toEqual([2, 3, 4]);
  buffer.consume(3);
  expect(buffer.bytes).toHaveLength(0);
  expect(buffer.length).toBe(0);
});

test('a small rest behind much that was read does not grow the memory', () => {
  const buffer = new ByteBuffer();
  buffer.append(new Uint8Array(10_000));
  buffer.consume(9_990);
  const { length } = buffer.bytes;
  buffer.append(new Uint8Array(9_000));
  expect(buffer.bytes).toHaveLength(length);
});

test('keeps its memory when it is rewound, unless that is much', () => {
  const buffer = new ByteBuffer();
  buffer.append(new Uint8Array(300));
  const { bytes } = buffer;
  buffer.rewind();
  expect(buffer.length).toBe(0);
  buffer.append(Uint8Array.of(1, 2, 3));
  expect(buffer.bytes).toBe(bytes);
  expect([...buffer.bytes.subarray(buffer.start, buffer.end)]).toEqual([1, 2, 3]);
  buffer.append(new Uint8Array(100_000));
  buffer.rewind();
  expect(buffer.bytes.length).toBe(0);
});
