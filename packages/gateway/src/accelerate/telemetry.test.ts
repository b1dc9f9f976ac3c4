import { expect, test } from 'vitest';
import { createTelemetry, parseTelemetryWish } from './telemetry.ts';

const event = (params: readonly unknown[]) => ({
  query: 'SELECT 1',
  params,
  timestamp: new Date(1_500),
  duration: 2.5,
});

test.each([
  [undefined, { isAsked: false, wantsQueries: false, wantsSpans: false }],
  ['error', { isAsked: true, wantsQueries: false, wantsSpans: false }],
  ['info, query,tracing', { isAsked: true, wantsQueries: true, wantsSpans: true }],
])('%s', (header, wish) => {
  expect(parseTelemetryWish(header)).toEqual(wish);
});

test('events hold what the client reads', () => {
  const telemetry = createTelemetry(parseTelemetryWish('query'), undefined);
  telemetry.onQuery?.(event([1n, 'x', null]));
  expect(telemetry.extensions()).toEqual({
    logs: [
      {
        level: 'query',
        spanId: '',
        timestamp: [1, 500_000_000],
        message: 'Query',
        attributes: { query: 'SELECT 1', params: '["1","x",null]', duration_ms: 2.5 },
      },
    ],
  });
});

test('parameters are not repeated without end', () => {
  const telemetry = createTelemetry(parseTelemetryWish('query'), undefined);
  for (let count = 0; count < 3; count++) telemetry.onQuery?.(event(['x'.repeat(500_000)]));
  const { logs } = telemetry.extensions() as { logs: { attributes: { params: string } }[] };
  expect(logs.map(({ attributes }) => attributes.params.length)).toEqual([500_004, 500_004, 5]);
});

test('spans end when their work does, also when it fails', async () => {
  const { tracing, extensions } = createTelemetry(parseTelemetryWish('tracing'), 'nonsense');
  await tracing.runInChildSpan('commit_transaction', async () => {
    tracing.runInChildSpan({ name: 'db_query', attributes: { a: 1 } }, () => 'sync');
    await expect(tracing.runInChildSpan('db_query', async () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(() =>
      tracing.runInChildSpan('inner', () => {
        throw new Error('y');
      }),
    ).toThrow('y');
  });
  const { spans } = extensions() as { spans: { id: string; name: string; parentId: string | null }[] };
  expect(spans.map(({ name }) => name.replace('prisma:client:', ''))).toEqual([
    'db_query',
    'db_query',
    'inner',
    'commit_transaction',
  ]);
  const commit = spans.at(-1);
  expect(spans.slice(0, 3).map(({ parentId }) => parentId)).toEqual(Array(3).fill(commit?.id));
  expect(commit?.parentId).toBeNull();
});
