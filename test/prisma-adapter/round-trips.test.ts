// How often each adapter waits for the gateway, counted on the wire between them.

import { neonConfig } from '@neondatabase/serverless';
import { PrismaPostern } from '@postern/prisma-adapter';
import { configure } from '@postern/serverless';
import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { PrismaNeon } from '@prisma/adapter-neon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type OpenedGateway, openGateway } from './open-gateway.ts';
import { startRoundTripRelay } from './round-trip-relay.ts';

configure({ webSocketConstructor: WebSocket });
neonConfig.webSocketConstructor = WebSocket;
neonConfig.useSecureWebSocket = false;

/** Each `n` once only. */
type Work = (prisma: SuiteClient, n: number) => Promise<unknown>;

const works: Readonly<Record<string, Work>> = {
  findMany: (prisma) => prisma.user.findMany(),
  'nested create': (prisma, n) =>
    prisma.user.create({ data: { email: `n${n}@example.com`, posts: { create: [{ title: 'a' }] } } }),
  '$transaction([a, b])': (prisma) => prisma.$transaction([prisma.user.count(), prisma.post.count()]),
  'interactive, two statements': (prisma) =>
    prisma.$transaction(async (tx) => [await tx.user.count(), await tx.post.count()]),
  'interactive with isolation level': (prisma) =>
    prisma.$transaction(async (tx) => [await tx.user.count(), await tx.post.count()], {
      isolationLevel: 'Serializable',
    }),
};

let database: TestDatabase;
let gateway: OpenedGateway;
let emails = 0;

beforeAll(async () => {
  database = await createSuiteDatabase();
  gateway = await openGateway(database);
});
afterAll(async () => {
  await gateway?.close();
  await database?.drop();
});

/** On a way of its own, so that nothing of an earlier adapter is counted. */
async function count(open: (connectionString: string) => unknown, work: Work): Promise<{ cold: number; warm: number }> {
  const relay = await startRoundTripRelay(gateway.port);
  neonConfig.wsProxy = () => `127.0.0.1:${relay.port}/v2`;
  const prisma = prisma7().openAdapter(open(gateway.url().replace(`:${gateway.port}/`, `:${relay.port}/`)));
  await work(prisma, emails++);
  const cold = relay.take();
  await work(prisma, emails++);
  const warm = relay.take();
  await prisma.$disconnect();
  relay.close();
  return { cold, warm };
}

const table: string[][] = [];
afterAll(() => {
  const head = ['', 'adapter-neon', 'ours, ws', 'ours, http'];
  console.log(
    `Round trips (cold / warm)\n${[head, ...table].map((row) => row.map((cell, i) => cell.padEnd(i ? 14 : 34)).join('')).join('\n')}`,
  );
});

describe.each(Object.keys(works))('%s', (name) => {
  test('never more than with adapter-neon', async () => {
    const work = works[name]!;
    const neon = await count((connectionString) => new PrismaNeon({ connectionString }), work);
    const ws = await count((connectionString) => new PrismaPostern({ connectionString, transport: 'ws' }), work);
    const http = await count((connectionString) => new PrismaPostern({ connectionString }), work);
    table.push([name, ...[neon, ws, http].map(({ cold, warm }) => `${cold} / ${warm}`)]);
    for (const ours of [ws, http]) {
      expect(ours.cold).toBeLessThanOrEqual(neon.cold);
      expect(ours.warm).toBeLessThanOrEqual(neon.warm);
    }
    if (name === 'findMany') return;
    expect(ws.cold).toBeLessThanOrEqual(neon.cold - 2);
    expect(http.cold).toBeLessThanOrEqual(neon.cold - 2);
    // Of a transaction with two statements, BEGIN and the isolation level are all that can be saved.
    const saved = name.includes('isolation') ? 2 : 1;
    expect(ws.warm).toBe(neon.warm - saved);
    expect(http.warm).toBe(neon.warm - saved);
  });
});
