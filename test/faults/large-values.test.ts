// Values and results far larger than what the gateway may hold stream through it; a reader who stops reading stops its own
// server connection and nothing else. The gateway is a process of its own, whose memory the kernel counts.

import { Client, neonConfig } from '@neondatabase/serverless';
import {
  BackendCode,
  encodeBind,
  encodeCopyData,
  encodeCopyDone,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '@postern/wire';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type BulkCaller, connectBulk } from './bulk-caller.ts';
import { isHeavy } from './gateway.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';

const megabyte = 1024 * 1024;
const copyMegabytes = isHeavy ? 1024 : 192;
const bindMegabytes = 100;
const minutes = 60_000;
/** What the gateway's memory may grow by: buffers of the runtime, less than the smallest of those values. */
const allowedBytes = 64 * megabyte;

let gateway: GatewayProcess;
let caller: BulkCaller;

beforeAll(async () => {
  gateway = await startGatewayProcess({ gateway: { poolSize: 2 } });
  caller = await connectBulk(gateway);
  await caller.client.query('CREATE TABLE sink (line text)');
  // What any traffic needs, code and buffers, is not counted.
  caller.client.send(encodeQuery(`COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT`));
  await caller.drain();
});

afterAll(async () => {
  await caller.client.end();
  await gateway.close();
});

/** Runs it and returns how much the gateway's memory grew while it ran, seen as often as possible. */
async function growthDuring(run: () => Promise<void>): Promise<number> {
  const before = gateway.memory().nowBytes;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, gateway.memory().nowBytes);
  }, 10);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}

test(`COPY IN of ${copyMegabytes} MB`, { timeout: 5 * minutes }, async () => {
  // Sixteen messages a chunk, with boundaries wherever they fall.
  const line = encodeCopyData(Buffer.from(`${'x'.repeat(65_530)}\n`));
  const chunk = Buffer.concat(Array.from({ length: 16 }, () => line));
  const growth = await growthDuring(async () => {
    caller.client.send(encodeQuery('COPY sink FROM STDIN WHERE length(line) < 0'));
    await caller.client.receive(BackendCode.CopyInResponse);
    await caller.pour(Array.from({ length: copyMegabytes }, () => chunk));
    const [complete] = await caller.client.exchange(encodeCopyDone());
    expect(Buffer.from(complete!.body).toString()).toBe('COPY 0\0');
  });
  console.log(`COPY IN: memory grew by ${Math.round(growth / megabyte)} MB`);
  expect(growth).toBeLessThan(allowedBytes);
});

test(`COPY OUT of ${copyMegabytes} MB`, { timeout: 5 * minutes }, async () => {
  const rows = copyMegabytes * 1024;
  const growth = await growthDuring(async () => {
    caller.client.send(encodeQuery(`COPY (SELECT repeat('x', 1023) FROM generate_series(1, ${rows})) TO STDOUT`));
    const { counts, bodyBytes } = await caller.drain();
    expect(counts.get(BackendCode.CopyData)).toBe(rows);
    expect(bodyBytes).toBeGreaterThan(rows * 1024);
  });
  console.log(`COPY OUT: memory grew by ${Math.round(growth / megabyte)} MB`);
  expect(growth).toBeLessThan(allowedBytes);
});

test(`a Bind of ${bindMegabytes} MB and its value back in one row`, { timeout: 5 * minutes }, async () => {
  const value = Buffer.alloc(bindMegabytes * megabyte, 'abcdefghij');
  const growth = await growthDuring(async () => {
    const bind = encodeBind({ parameterFormats: [1], parameters: [value], resultFormats: [1] });
    const drained = caller.drain();
    await caller.pour([
      encodeParse('', 'SELECT $1::bytea AS value'),
      ...cut(bind),
      encodeDescribe('P', ''),
      encodeExecute(),
      encodeSync(),
    ]);
    const { counts, bodyBytes, error } = await drained;
    expect(error).toBeUndefined();
    expect(counts.get(BackendCode.DataRow)).toBe(1);
    expect(bodyBytes).toBeGreaterThan(value.length);
  });
  console.log(`Bind and DataRow: memory grew by ${Math.round(growth / megabyte)} MB`);
  expect(growth).toBeLessThan(allowedBytes);
});

function* cut(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += megabyte) yield bytes.subarray(at, at + megabyte);
}

const largeResult = `SELECT repeat('x', 1000) FROM generate_series(1, 100000)`;

test('a slow reader over TCP costs its own server connection only', async () => {
  const growth = await growthDuring(async () => {
    caller.socket.pause();
    caller.client.send(encodeQuery(largeResult));
    await othersAreServed();
    await vi.waitFor(async () => expect((await gateway.stats()).pools[0]).toMatchObject({ leased: 1 }));
    const drained = caller.drain();
    caller.socket.resume();
    expect((await drained).counts.get(BackendCode.DataRow)).toBe(100_000);
  });
  expect(growth).toBeLessThan(allowedBytes);
  expect(await caller.client.query('SELECT 1')).toEqual([['1']]);
});

test('a slow reader over WebSocket costs its own server connection only', async () => {
  let socket: WebSocket | undefined;
  class Paused extends WebSocket {
    constructor(address: string) {
      super(address);
      socket = this;
    }
  }
  Object.assign(neonConfig, {
    webSocketConstructor: Paused,
    useSecureWebSocket: false,
    wsProxy: () => `127.0.0.1:${gateway.httpPort}/v2`,
  });
  const client = new Client(`${gateway.poolerUrl}?options=pooled%3Dtrue`);
  await client.connect();
  await client.query('SELECT 1');
  const growth = await growthDuring(async () => {
    socket!.pause();
    const answer = client.query(largeResult);
    await othersAreServed();
    socket!.resume();
    expect((await answer).rowCount).toBe(100_000);
  });
  expect(growth).toBeLessThan(allowedBytes);
  await client.end();
});

/** Fifty turns of somebody else, on the one connection that is left. */
async function othersAreServed(): Promise<void> {
  const other = await connectBulk(gateway);
  for (let turn = 0; turn < 50; turn++)
    expect(await other.client.query(`SELECT ${turn}, pg_sleep(0.005)`)).toEqual([[String(turn), '']]);
  await other.client.end();
}
