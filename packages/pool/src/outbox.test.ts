import { createFaultyStreamPair } from '@postern/testkit';
import { describe, expect, test } from 'vitest';
import type { ByteStream } from './byte-stream.ts';
import { Outbox } from './outbox.ts';

/** A stream that notes each write; `keeps` says whether it keeps the memory. */
function createSink(keeps = false): ByteStream & { readonly writes: Uint8Array[]; keeps: boolean; buffered: number } {
  const writes: Uint8Array[] = [];
  return {
    writes,
    keeps,
    buffered: 0,
    onData: undefined,
    onDrain: undefined,
    onClose: undefined,
    security: 'loopback',
    get bufferedBytes() {
      return this.buffered;
    },
    write(bytes) {
      writes.push(this.keeps ? bytes : bytes.slice());
      return !this.keeps;
    },
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  };
}

const begun = (): void => {};

function run(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

test('what one event makes for a stream leaves in one write', () => {
  const outbox = new Outbox(begun);
  const sink = createSink();
  outbox.append(sink, Uint8Array.of(1, 2, 3, 4), 1, 3);
  outbox.append(sink, Uint8Array.of(5), 0, 1);
  expect(sink.writes).toHaveLength(0);
  outbox.flush();
  outbox.flush();
  outbox.append(sink, Uint8Array.of(6), 1, 1);
  outbox.flush();
  expect(sink.writes.map((bytes) => [...bytes])).toEqual([[2, 3, 5]]);
});

test('streams do not overtake one another, and each gets its own', () => {
  const outbox = new Outbox(begun);
  const order: string[] = [];
  const [a, b] = [createSink(), createSink()];
  for (const [name, sink] of Object.entries({ a, b })) {
    const { write } = sink;
    sink.write = (bytes) => {
      order.push(`${name}${bytes[0]}`);
      return write.call(sink, bytes);
    };
  }
  outbox.append(a, run(10, 1), 0, 10);
  outbox.append(b, run(10, 2), 0, 10);
  outbox.append(a, run(10, 3), 0, 10);
  outbox.flush();
  expect(order).toEqual(['a1', 'b2', 'a3']);
});

describe('a long run', () => {
  test('is written through as it is, behind what was gathered', () => {
    const outbox = new Outbox(begun);
    const sink = createSink(true);
    const long = run(20_000, 9);
    outbox.append(sink, run(5, 1), 0, 5);
    expect(outbox.append(sink, long, 0, long.length)).toBe(true);
    expect(sink.writes.map((bytes) => [bytes.length, bytes[0]])).toEqual([
      [5, 1],
      [20_000, 9],
    ]);
    expect(sink.writes[1]!.buffer).toBe(long.buffer);
  });

  test('is copied when the stream would queue it: the reader must have its buffer back', () => {
    const outbox = new Outbox(begun);
    const sink = createSink(true);
    sink.buffered = 1;
    const long = run(20_000, 9);
    expect(outbox.append(sink, long, 0, long.length)).toBe(false);
    long.fill(0);
    expect(sink.writes[0]!.every((byte) => byte === 9)).toBe(true);
  });
});

test('more than fits is sent in between, in order', () => {
  const outbox = new Outbox(begun);
  const sink = createSink();
  for (let i = 0; i < 20; i++) outbox.append(sink, run(10_000, i), 0, 10_000);
  outbox.flush();
  const all = sink.writes.flatMap((bytes) => [...bytes]);
  expect(all).toHaveLength(200_000);
  expect(all.every((byte, i) => byte === Math.floor(i / 10_000))).toBe(true);
});

test('memory that a stream keeps is never written to again', () => {
  const outbox = new Outbox(begun);
  const sink = createSink(true);
  for (let i = 0; i < 10; i++) {
    outbox.append(sink, run(100, i), 0, 100);
    outbox.flush();
  }
  for (const [i, bytes] of sink.writes.entries()) expect(bytes.every((byte) => byte === i)).toBe(true);
});

test('memory that no stream keeps is used again', () => {
  const outbox = new Outbox(begun);
  const sink = createSink();
  const memories = new Set<ArrayBufferLike>();
  const { write } = sink;
  sink.write = (bytes) => {
    memories.add(bytes.buffer);
    return write.call(sink, bytes);
  };
  for (let i = 0; i < 100; i++) {
    outbox.append(sink, run(100, i), 0, 100);
    outbox.flush();
  }
  expect(memories.size).toBeLessThanOrEqual(2);
});

test('little that waits for a slow stream does not hold much memory', () => {
  const outbox = new Outbox(begun);
  const sink = createSink(true);
  for (let i = 0; i < 1_000; i++) {
    outbox.append(sink, run(100, i), 0, 100);
    outbox.flush();
    sink.buffered += 100;
  }
  const held = new Set(sink.writes.map((bytes) => bytes.buffer));
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(200_000);
});

test('says that there is something to be sent', () => {
  let times = 0;
  const outbox = new Outbox(() => times++);
  for (const round of [1, 2]) {
    outbox.append(createSink(), run(2, 1), 0, 2);
    expect(times).toBe(round);
    outbox.flush();
  }
});

test('a write that leads back here before it returns loses nothing', () => {
  const outbox = new Outbox(begun);
  const [a, b] = [createSink(true), createSink()];
  const { write } = a;
  a.write = (bytes) => {
    a.write = write;
    outbox.append(b, run(50, 7), 0, 50);
    outbox.append(a, run(50, 8), 0, 50);
    outbox.flush();
    return write.call(a, bytes);
  };
  outbox.append(a, run(50, 6), 0, 50);
  outbox.flush();
  expect(b.writes.map((bytes) => [bytes.length, bytes[0]])).toEqual([[50, 7]]);
  // The outer write was under way first; what it holds must still be what was gathered for it.
  expect(a.writes.map((bytes) => bytes[0]).sort()).toEqual([6, 8]);
  for (const bytes of a.writes) expect(new Set(bytes).size).toBe(1);
});

test('a slow stream that checks its memory finds it untouched', async () => {
  const pair = createFaultyStreamPair({ highWaterBytes: 1, maxPieceBytes: 3, isStalled: true });
  const received: number[] = [];
  pair.server.onData = (bytes) => {
    received.push(...bytes);
    return false;
  };
  const outbox = new Outbox(begun);
  for (let i = 0; i < 200; i++) {
    outbox.append(pair.client, run(40, i), 0, 40);
    outbox.flush();
  }
  pair.clientToServer.isStalled = false;
  pair.pump();
  expect(received).toHaveLength(8_000);
  expect(received.every((byte, i) => byte === Math.floor(i / 40))).toBe(true);
});
