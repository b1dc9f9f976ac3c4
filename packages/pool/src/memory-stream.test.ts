import { expect, test } from 'vitest';
import type { ByteStream } from './byte-stream.ts';
import { createMemoryStreamPair } from './memory-stream.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function record(stream: ByteStream): { received: number[]; closed: number; drains: number } {
  const seen = { received: [] as number[], closed: 0, drains: 0 };
  stream.onData = (bytes) => {
    seen.received.push(...bytes);
    return false;
  };
  stream.onDrain = () => {
    seen.drains++;
  };
  stream.onClose = () => {
    seen.closed++;
  };
  return seen;
}

test.each([
  ['bytes', Uint8Array],
  ['a Buffer, whose slice() does not copy,', Buffer],
])('%s arrive at the other end, later, as they were when written', async (_, type) => {
  const [a, b] = createMemoryStreamPair();
  const atB = record(b);
  const bytes = type.from([1, 2]);
  expect(a.write(bytes)).toBe(true);
  expect(atB.received).toEqual([]);
  expect(a.bufferedBytes).toBe(2);
  bytes.fill(9);
  a.write(Uint8Array.of(3));
  await tick();
  expect(atB.received).toEqual([1, 2, 3]);
  expect(a.bufferedBytes).toBe(0);
});

test('a paused end gets nothing until it resumes, and the writer is told when all is gone', async () => {
  const [a, b] = createMemoryStreamPair();
  const atA = record(a);
  const atB = record(b);
  b.pause();
  a.write(Uint8Array.of(1));
  await tick();
  expect([atB.received, a.bufferedBytes, atA.drains]).toEqual([[], 1, 0]);
  b.resume();
  await tick();
  expect([atB.received, a.bufferedBytes, atA.drains]).toEqual([[1], 0, 1]);
});

test('pausing from inside onData holds the rest back', async () => {
  const [a, b] = createMemoryStreamPair();
  const atB = record(b);
  const { onData } = b;
  b.onData = (bytes) => {
    b.pause();
    return onData?.(bytes);
  };
  a.write(Uint8Array.of(1));
  a.write(Uint8Array.of(2));
  await tick();
  expect(atB.received).toEqual([1]);
  b.resume();
  await tick();
  expect(atB.received).toEqual([1, 2]);
});

test('end delivers what was written, then both ends close, once', async () => {
  const [a, b] = createMemoryStreamPair();
  const atA = record(a);
  const atB = record(b);
  a.write(Uint8Array.of(1));
  a.end();
  a.end();
  a.write(Uint8Array.of(2));
  await tick();
  expect(atB.received).toEqual([1]);
  expect([atA.closed, atB.closed]).toEqual([1, 1]);
  a.destroy();
  b.end();
  await tick();
  expect([atA.closed, atB.closed]).toEqual([1, 1]);
});

test('end waits for a paused peer', async () => {
  const [a, b] = createMemoryStreamPair();
  const atB = record(b);
  b.pause();
  a.write(Uint8Array.of(1));
  a.end();
  await tick();
  expect([atB.received, atB.closed]).toEqual([[], 0]);
  b.resume();
  await tick();
  expect([atB.received, atB.closed]).toEqual([[1], 1]);
});

test('destroy loses what was not delivered; writing to a closed peer does nothing', async () => {
  const [a, b] = createMemoryStreamPair();
  const atA = record(a);
  const atB = record(b);
  a.write(Uint8Array.of(1));
  a.destroy();
  await tick();
  expect([atB.received, atA.closed, atB.closed]).toEqual([[], 1, 1]);
  expect(b.write(Uint8Array.of(1))).toBe(true);
  expect(b.bufferedBytes).toBe(0);
});
