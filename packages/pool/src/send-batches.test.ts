import { expect, test } from 'vitest';
import type { ByteBuffer } from './byte-buffer.ts';
import { SendBatches } from './send-batches.ts';
import type { ServerConnection } from './server-connection.ts';

interface Peer {
  readonly server: ServerConnection;
  readonly writes: Uint8Array[];
}

/** As much of a server connection as batches know; `keeps` says whether its stream keeps the memory it is given. */
function createPeer(keeps = false): Peer {
  const writes: Uint8Array[] = [];
  const server = {
    batch: undefined as ByteBuffer | undefined,
    headSince: 0,
    isGone: false,
    stream: {
      write(bytes: Uint8Array) {
        writes.push(keeps ? bytes : bytes.slice());
        return !keeps;
      },
    },
  };
  return { server: server as unknown as ServerConnection, writes };
}

const begun = (): void => {};

function run(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

test('what a turn gathers for a connection leaves in one write, whatever came in between', () => {
  let times = 0;
  const batches = new SendBatches(() => times++);
  const [a, b] = [createPeer(), createPeer()];
  for (const turn of [1, 2]) {
    batches.append(a.server, Uint8Array.of(9, 1, 2, 9), 1, 3);
    batches.append(b.server, run(2, 7), 0, 2);
    batches.append(a.server, run(1, 3), 0, 1);
    expect([a.writes.length, b.writes.length, times]).toEqual([turn - 1, turn - 1, turn]);
    batches.send(0, 0);
  }
  expect(a.writes.map((bytes) => [...bytes])).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test('a statement first in line begins when it leaves; one that began in an earlier turn does not', () => {
  const batches = new SendBatches(begun);
  const [a, b] = [createPeer(), createPeer()];
  a.server.headSince = 10;
  b.server.headSince = 4;
  for (const { server } of [a, b]) batches.append(server, run(2, 1), 0, 2);
  batches.send(10, 12);
  expect([a.server.headSince, b.server.headSince]).toEqual([12, 4]);
});

test('one connection may be sent its batch at once, one that is gone is sent nothing', () => {
  const batches = new SendBatches(begun);
  const [a, b] = [createPeer(), createPeer()];
  for (const { server } of [a, b]) batches.append(server, run(2, 1), 0, 2);
  batches.sendOne(a.server);
  expect([a.writes.length, b.writes.length]).toEqual([1, 0]);
  Object.assign(b.server, { isGone: true });
  batches.append(a.server, run(2, 2), 0, 2);
  batches.send(0, 0);
  expect([a.writes.length, b.writes.length]).toEqual([2, 0]);
});

test('much is not kept until the end, and stays in order', () => {
  const batches = new SendBatches(begun);
  const { server, writes } = createPeer();
  for (let i = 0; i < 20; i++) batches.append(server, run(10_000, i), 0, 10_000);
  expect(writes.length).toBeGreaterThan(1);
  batches.append(server, run(300_000, 20), 0, 300_000);
  batches.send(0, 0);
  const all = writes.flatMap((bytes) => [...bytes]);
  expect(all).toHaveLength(500_000);
  expect(all.every((byte, i) => byte === Math.min(20, Math.floor(i / 10_000)))).toBe(true);
});

test('memory that a stream keeps is never written to again', () => {
  const batches = new SendBatches(begun);
  const { server, writes } = createPeer(true);
  for (let i = 0; i < 10; i++) {
    batches.append(server, run(100, i), 0, 100);
    batches.send(0, 0);
  }
  for (const [i, bytes] of writes.entries()) expect(bytes.every((byte) => byte === i)).toBe(true);
});
