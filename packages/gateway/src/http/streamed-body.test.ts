import { expect, test } from 'vitest';
import { type BodySink, type StreamedBody, toReadableStream } from './streamed-body.ts';

function setUp() {
  let sink: BodySink | undefined;
  const calls: string[] = [];
  const body: StreamedBody = {
    start(to) {
      sink = to;
    },
    drained: () => void calls.push('drained'),
    abandon: () => void calls.push('abandoned'),
  };
  const reader = toReadableStream(body).getReader();
  if (sink === undefined) throw new Error('not started');
  return { sink: sink as BodySink, calls, reader };
}

test('pieces come out in order, then the end', async () => {
  const { sink, reader } = setUp();
  expect(sink.write(Uint8Array.of(1))).toBe(true);
  expect(sink.write(Uint8Array.of(2, 3))).toBe(true);
  sink.end();
  expect((await reader.read()).value).toEqual(Uint8Array.of(1));
  expect((await reader.read()).value).toEqual(Uint8Array.of(2, 3));
  expect((await reader.read()).done).toBe(true);
});

test('more than it should hold is a backlog until it has been read', async () => {
  const { sink, calls, reader } = setUp();
  await Promise.resolve();
  calls.length = 0;
  expect(sink.write(new Uint8Array(100_000))).toBe(false);
  expect(sink.bufferedBytes).toBe(100_000);
  expect(calls).toEqual([]);
  await reader.read();
  expect(sink.bufferedBytes).toBe(0);
  await expect.poll(() => calls).toEqual(['drained']);
});

test('a reader who leaves abandons the body', async () => {
  const { calls, reader } = setUp();
  await reader.cancel();
  expect(calls).toContain('abandoned');
});

test('a body that is given up is an error for its reader', async () => {
  const { sink, reader } = setUp();
  sink.destroy();
  await expect(reader.read()).rejects.toThrow('given up');
});
