import { prisma6 } from '@postern/test-prisma-6';
import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, rawQuery } from './ask.ts';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

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
  readonly timestamp: Date;
}

describe.each([
  ['7', prisma7],
  ['6', prisma6],
])('$on("query"), Prisma %s', (_name, prisma) => {
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

  test('tells the same as in-process: every statement, COMMIT and ROLLBACK among them', async () => {
    const direct = await record(prisma().openDirect(database.url, { logsQueries: true }));
    const remote = await record(prisma().openAccelerate(opened.url, { logsQueries: true }));
    const texts = (events: QueryEvent[]) => events.map(({ query, params }) => `${query} ${params}`);
    expect(texts(remote)).toEqual(texts(direct));
    expect(texts(remote).filter((text) => /^(COMMIT|ROLLBACK)/.test(text)).length).toBeGreaterThanOrEqual(3);
  });

  test('with times that are true', async () => {
    const events = await record(prisma().openAccelerate(opened.url, { logsQueries: true }));
    const sleep = events.find(({ query }) => query.includes('pg_sleep'));
    expect(sleep?.duration).toBeGreaterThanOrEqual(50);
    expect(sleep?.duration).toBeLessThan(5_000);
    for (const { duration, timestamp } of events) {
      expect(duration).toBeGreaterThan(0);
      expect(Math.abs(Date.now() - timestamp.getTime())).toBeLessThan(60_000);
    }
  });
});

describe('spans', () => {
  const headers = {
    'x-capture-telemetry': 'tracing, query',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  interface Span {
    readonly id: string;
    readonly parentId: string | null;
    readonly name: string;
    readonly startTime: [number, number];
    readonly endTime: [number, number];
    readonly attributes?: Record<string, unknown>;
  }
  const spansOf = (body: Readonly<Record<string, unknown>>) => (body.extensions as { spans: Span[] }).spans;
  const key = () => opened.keys[0]?.key;

  test('of a query, in the trace that asked', async () => {
    const { body } = await ask(opened.origin, '/query', { key: key(), headers, body: rawQuery('SELECT 1') });
    const [span] = spansOf(body);
    expect(span).toMatchObject({
      name: 'prisma:client:db_query',
      kind: 'client',
      parentId: null,
      id: expect.stringMatching(/^0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}$/),
      attributes: { 'db.query.text': 'SELECT 1', 'db.system.name': 'postgresql' },
    });
    expect(span!.endTime[0] - span!.startTime[0] + (span!.endTime[1] - span!.startTime[1]) / 1e9).toBeGreaterThan(0);
    const { logs } = body.extensions as { logs: { spanId: string }[] };
    expect(logs.map(({ spanId }) => spanId)).toEqual([span?.id]);
  });

  test('of a transaction: its start, and the COMMIT below the commit', async () => {
    const start = await ask(opened.origin, '/transaction/start', { key: key(), headers, body: {} });
    expect(spansOf(start.body).map(({ name }) => name)).toEqual(['prisma:client:start_transaction']);
    const commit = await ask(opened.origin, `/transaction/${start.body.id}/commit`, { key: key(), headers });
    const [query, end] = spansOf(commit.body);
    expect([query?.name, end?.name]).toEqual(['prisma:client:db_query', 'prisma:client:commit_transaction']);
    expect(query?.parentId).toBe(end?.id);
    expect(query?.attributes).toMatchObject({ 'db.query.text': 'COMMIT' });
  });

  test('only when they are asked for, and nothing at all when nothing is', async () => {
    const logs = await ask(opened.origin, '/query', {
      key: key(),
      headers: { 'x-capture-telemetry': 'error' },
      body: rawQuery('SELECT 1'),
    });
    expect(logs.body.extensions).toEqual({ logs: [] });
    expect((await ask(opened.origin, '/query', { key: key(), body: rawQuery('SELECT 1') })).body).not.toHaveProperty(
      'extensions',
    );
  });
});

test('comments of the client arrive in Postgres, and do not split the cache', async () => {
  const plan = { type: 'query', args: { type: 'rawSql', sql: 'SELECT current_query() AS q', args: [], argTypes: [] } };
  const from = (route: string) =>
    ask(opened.origin, '/query', {
      key: opened.keys[0]?.key,
      headers: { 'cache-control': 'max-age=60' },
      body: { operation: 'findMany', plan, params: {}, comments: { route } },
    });
  const first = await from('a');
  expect(first.text).toContain("/*route='a'*/");
  const second = await from('b');
  expect(second.headers.get('accelerate-cache-status')).toBe('ttl');
  expect(second.text).toBe(first.text);
});
