import { expect, test } from 'vitest';
import { ByteBuffer, copyBytes, indexOfZero, SpareBuffers } from './byte-buffer.ts';

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

test.each([0, 1, 5, 127, 128, 129, 1_000])('finds a zero %i bytes further on', (distance) => {
  const bytes = new Uint8Array(2_000).fill(7);
  bytes[2] = 0;
  expect(indexOfZero(bytes, 3)).toBe(-1);
  bytes[3 + distance] = 0;
  expect(indexOfZero(bytes, 3)).toBe(bytes.indexOf(0, 3));
});

test('small buffers do not share a byte, though they share memory', () => {
  const buffers = Array.from({ length: 50 }, (_, i) => {
    const buffer = new ByteBuffer();
    buffer.append(new Uint8Array(200).fill(i));
    return buffer;
  });
  for (const buffer of buffers) buffer.append(new Uint8Array(56).fill(255));
  for (const [i, { bytes, start }] of buffers.entries()) {
    expect(bytes.subarray(start, start + 200).every((byte) => byte === i)).toBe(true);
  }
});

test('spare buffers keep so much memory and no more', () => {
  const spare = new SpareBuffers(10_000);
  const buffers = Array.from({ length: 5 }, () => {
    const buffer = spare.take();
    buffer.append(new Uint8Array(4_000));
    return buffer;
  });
  for (const buffer of buffers) spare.give(buffer);
  const again = buffers.map(() => spare.take());
  expect(again.map((buffer) => buffer.bytes.length)).toEqual([4_000, 4_000, 0, 0, 0]);
});
