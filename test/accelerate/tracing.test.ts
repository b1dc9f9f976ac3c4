import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { PrismaInstrumentation } from '@prisma/instrumentation';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

// Prisma's own instrumentation, which is global: hence a file of its own.
const exporter = new InMemorySpanExporter();
let database: TestDatabase;
let opened: OpenedGateway;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  const instrumentation = new PrismaInstrumentation();
  instrumentation.setTracerProvider(provider);
  instrumentation.enable();
  database = await createSuiteDatabase();
  opened = await openGateway({ databaseUrl: database.url });
});
afterAll(async () => {
  await opened?.gateway.close(0);
  await database?.drop();
});

/** Names and statements, indented by descent. */
function tree(spans: readonly ReadableSpan[], parent?: string, depth = 0): string[] {
  return spans
    .filter((span) => span.parentSpanContext?.spanId === parent)
    .flatMap((span) => [
      `${'  '.repeat(depth)}${span.name} ${span.attributes['db.query.text'] ?? ''}`,
      ...tree(spans, span.spanContext().spanId, depth + 1),
    ]);
}

async function spansOf(client: SuiteClient): Promise<string[]> {
  await client.$connect();
  exporter.reset();
  await client.user.findMany({ include: { posts: true } });
  await client.post.update({
    where: { id: 1 },
    data: { views: 1, author: { update: { score: 1 } } },
    select: { id: true },
  });
  await client.$transaction([client.user.count(), client.post.count()]);
  await client
    .$transaction(async (tx) => {
      await tx.user.count();
      throw new Error('undo');
    })
    .catch(() => {});
  const spans = tree(exporter.getFinishedSpans());
  await client.$disconnect();
  return spans;
}

test('a trace through the gateway looks like one in-process', async () => {
  const expected = (await spansOf(prisma7().openDirect(database.url))).filter((line) => !line.includes('compile'));
  const actual = (await spansOf(prisma7().openAccelerate(opened.url))).filter((line) => !line.includes('compile'));
  expect(actual).toEqual(expected);
  expect(
    actual.filter((line) => /^ +prisma:client:db_query (COMMIT|ROLLBACK)/.test(line)).length,
  ).toBeGreaterThanOrEqual(2);
});
