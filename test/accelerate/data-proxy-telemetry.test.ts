import { prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from './open-gateway.ts';
import { find, smallSchema, speakDataProxy } from './speak-data-proxy.ts';

let database: TestDatabase;
let opened: OpenedGateway;

beforeAll(async () => {
  database = await createSuiteDatabase();
  opened = await openGateway({ databaseUrl: database.url });
});
afterAll(async () => {
  await opened?.gateway.close(0);
  await database?.drop();
});

interface QueryEvent {
  readonly query: string;
  readonly params: string;
  readonly duration: number;
}

async function record(client: SuiteClient): Promise<QueryEvent[]> {
  const events: QueryEvent[] = [];
  client.$on('query', (event) => void events.push(event as unknown as QueryEvent));
  await client.user.findMany({ where: { id: { gt: 1 } }, select: { id: true, posts: { select: { id: true } } } });
  await client.user.update({
    where: { id: 3 },
    data: { posts: { create: { title: 'logged' } } },
    select: { id: true },
  });
  await client.$transaction([client.user.count(), client.post.count()]);
  await client
    .$transaction(async (tx) => {
      await tx.user.count();
      throw new Error('undo');
    })
    .catch(() => {});
  await client.$queryRaw`SELECT pg_sleep(${0.05})::text`;
  await client.$disconnect();
  return events;
}

test('$on("query") tells the same as in-process, with times that are true', async () => {
  const version = prisma6WithoutEngine();
  const direct = await record(version.openDirect(database.url, { logsQueries: true }));
  const remote = await record(version.openAccelerate(opened.url, { logsQueries: true }));
  const texts = (events: QueryEvent[]) => events.map(({ query, params }) => `${query} ${params}`);
  expect(texts(remote)).toEqual(texts(direct));
  expect(texts(remote).filter((text) => /^(COMMIT|ROLLBACK)/.test(text)).length).toBeGreaterThanOrEqual(3);
  expect(remote.find(({ query }) => query.includes('pg_sleep'))?.duration).toBeGreaterThanOrEqual(50);
});

test('spans, of the compiler too, and only when they are asked for', async () => {
  const caller = speakDataProxy(opened.origin, { key: opened.keys[0]!.key, schema: smallSchema() });
  await caller.upload();
  const headers = {
    'x-capture-telemetry': 'tracing',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  const { body } = await caller.query(find('Category'), { headers });
  const { traces } = body.extensions as { traces: { name: string; attributes?: object; id: string }[] };
  expect(traces).toMatchObject([
    { name: 'prisma:client:compile', attributes: { models: ['Category'], actions: ['findMany'] } },
    { name: 'prisma:client:db_query', attributes: { 'db.system.name': 'postgresql' } },
  ]);
  expect(traces.every(({ id }) => id.startsWith('0af7651916cd43dd8448eb211c80319c-'))).toBe(true);
  expect((await caller.query(find('Category'))).body).not.toHaveProperty('extensions');
});
