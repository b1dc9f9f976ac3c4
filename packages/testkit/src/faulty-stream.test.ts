import type { ByteStream } from '@postern/pool';
import { expect, test } from 'vitest';
import { createFaultyStreamPair } from './faulty-stream.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function record(stream: ByteStream): string[] {
  const seen: string[] = [];
  stream.onData = (data) => {
    seen.push(new TextDecoder().decode(data));
    return undefined;
  };
  stream.onDrain = () => seen.push('<drain>');
  stream.onClose = (error) => seen.push(error ? `<${error.message}>` : '<closed>');
  return seen;
}

test('delivers in the next microtask, never inside write, and waits for a reader', async () => {
  const pair = createFaultyStreamPair();
  expect(pair.client.write(bytes('early '))).toBe(true);
  await Promise.resolve();
  const seen = record(pair.server);
  pair.client.write(bytes('late'));
  expect(seen).toEqual([]);
  pair.pump();
  expect(seen).toEqual(['early ', 'late']);
});

test('cuts at every byte', () => {
  const pair = createFaultyStreamPair({ maxPieceBytes: 1 });
  const seen = record(pair.server);
  pair.client.write(bytes('abc'));
  pair.pump();
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('spoils lent memory after the call, unless the reader kept it', () => {
  const pair = createFaultyStreamPair();
  const lent: Uint8Array[] = [];
  pair.server.onData = (data) => {
    lent.push(data);
    return lent.length === 2;
  };
  pair.client.write(bytes('a'));
  pair.client.write(bytes('b'));
  pair.pump();
  expect(lent.map((data) => data[0])).toEqual([0xee, 'b'.charCodeAt(0)]);
});

test('keeps memory above the high-water mark until the drain, and notices who touches it', () => {
  const pair = createFaultyStreamPair({ highWaterBytes: 4 });
  const client = record(pair.client);
  pair.serverToClient.isStalled = true;
  pair.clientToServer.isStalled = true;
  record(pair.server);
  expect(pair.client.write(bytes('1234'))).toBe(true);
  const kept = bytes('56');
  expect(pair.client.write(kept)).toBe(false);
  expect(pair.client.bufferedBytes).toBe(6);
  pair.clientToServer.isStalled = false;
  pair.pump();
  expect(client).toEqual(['<drain>']);
  pair.clientToServer.highWaterBytes = 1;
  expect(pair.client.write(kept)).toBe(false);
  kept[0] = 0;
  expect(() => pair.pump()).toThrow('changed memory');
});

test('pause stops delivery, resume continues it', () => {
  const pair = createFaultyStreamPair();
  const seen = record(pair.server);
  pair.server.pause();
  pair.client.write(bytes('x'));
  pair.pump();
  expect(seen).toEqual([]);
  pair.server.resume();
  pair.pump();
  expect(seen).toEqual(['x']);
});

test('end sends what was written first; both ends close once', async () => {
  const pair = createFaultyStreamPair();
  const client = record(pair.client);
  const server = record(pair.server);
  pair.client.write(bytes('bye'));
  pair.client.end();
  pair.client.end();
  pair.client.write(bytes('ignored'));
  pair.pump();
  pair.server.destroy();
  await Promise.resolve();
  expect(server).toEqual(['bye', '<closed>']);
  expect(client).toEqual(['<closed>']);
});

test('destroy loses what was not delivered and resets the peer', async () => {
  const pair = createFaultyStreamPair({ isStalled: true });
  const client = record(pair.client);
  const server = record(pair.server);
  pair.client.write(bytes('lost'));
  pair.client.destroy(new Error('mine'));
  await Promise.resolve();
  expect(client).toEqual(['<mine>']);
  expect(server).toEqual(['<read ECONNRESET>']);
});

test('breaks after the given number of bytes', () => {
  const pair = createFaultyStreamPair({ breakAfterBytes: 3 });
  const client = record(pair.client);
  const server = record(pair.server);
  pair.client.write(bytes('abcdef'));
  pair.pump();
  expect(server).toEqual(['abc', '<read ECONNRESET>']);
  expect(client).toEqual(['<read ECONNRESET>']);
});
