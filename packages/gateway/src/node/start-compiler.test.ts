// The real compiler, and what strangers could do to it.
import { afterEach, describe, expect, test } from 'vitest';
import type { CompilerThread } from '../data-proxy/compiler-thread.ts';
import { createStartCompiler } from './start-compiler.ts';

const start = createStartCompiler();
const threads: CompilerThread[] = [];
afterEach(() => {
  for (const thread of threads.splice(0)) thread.end();
});

const datasource = 'datasource db {\n  provider = "postgresql"\n  url = env("X")\n}\n';

function open(models: string, schemaName?: string): CompilerThread {
  const thread = start({ schema: datasource + models, schemaName });
  threads.push(thread);
  return thread;
}

const query = (model: string, args: object = {}): string =>
  JSON.stringify({ modelName: model, action: 'findMany', query: { arguments: args, selection: { $scalars: true } } });

const user = 'model User {\n  id Int @id\n  name String\n}';

test('makes plans, for the schema that it is told', async () => {
  const plan = await open(user, 'shop').compile('single', query('User', { where: { id: 7 } }));
  expect(plan).toMatchObject({ outcome: 'compiled', plan: expect.stringContaining('\\"shop\\".\\"User\\"') });
  const batch = JSON.stringify({ batch: [query('User'), query('User')].map((text) => JSON.parse(text)) });
  const plans = await open(user).compile('batch', batch);
  expect(JSON.parse((plans as { plan: string }).plan)).toMatchObject({ type: 'multi', plans: [{}, {}] });
});

test('says what is wrong with a query, in Prisma’s words, and goes on', async () => {
  const thread = open(user);
  expect(await thread.compile('single', query('User', { where: { nope: 1 } }))).toMatchObject({
    outcome: 'query-refused',
    code: 'P2009',
    meta: { kind: 'UnknownInputField' },
  });
  expect(await thread.compile('single', '{')).toMatchObject({ outcome: 'query-refused' });
  const nested = `${'{"NOT":'.repeat(5_000)}{}${'}'.repeat(5_000)}`;
  expect(await thread.compile('single', query('User', { where: 0 }).replace(':0', `:${nested}`))).toMatchObject({
    outcome: 'query-refused',
    message: expect.stringContaining('recursion limit'),
  });
  expect(await thread.compile('single', query('User'))).toMatchObject({ outcome: 'compiled' });
});

test('keeps a plan that is too long to itself', async () => {
  const thread = createStartCompiler({ maxCharacters: 2_000 })({ schema: datasource + user, schemaName: undefined });
  threads.push(thread);
  const ids = (count: number) => ({ where: { id: { in: Array.from({ length: count }, (_, index) => index) } } });
  expect(await thread.compile('single', query('User', ids(1)))).toMatchObject({ outcome: 'compiled' });
  expect(await thread.compile('single', query('User', ids(100)))).toMatchObject({
    outcome: 'query-refused',
    message: expect.stringContaining('too large'),
  });
});

describe('a hostile schema', () => {
  test('without an end to its nesting is refused', async () => {
    const nested = `model A {\n id Int @id @default(${'['.repeat(20_000)}${']'.repeat(20_000)})\n}`;
    const thread = open(nested);
    for (const _ of [1, 2]) {
      expect(await thread.compile('single', query('A'))).toEqual({
        outcome: 'schema-refused',
        message: 'The query compiler failed on this schema.',
      });
    }
  });

  test('that takes for ever can be ended in the middle of it', async () => {
    // Half a minute's work, and then some.
    const fields = Array.from({ length: 40_000 }, (_, index) => `  f${index} Int?`);
    const thread = open(`model A {\n  id Int @id\n${fields.join('\n')}\n}`);
    const answer = thread.compile('single', query('A'));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    thread.end();
    expect(await answer).toEqual({ outcome: 'broken', reason: 'ended' });
    expect(await thread.compile('single', query('A'))).toEqual({ outcome: 'broken', reason: 'ended' });
  });

  test('that takes all memory there is breaks its thread only', async () => {
    const list = Array.from({ length: 700_000 }, (_, index) => index);
    expect(await open(user).compile('single', query('User', { where: { id: { in: list } } }))).toMatchObject({
      outcome: 'broken',
    });
    expect(await open(user).compile('single', query('User'))).toMatchObject({ outcome: 'compiled' });
  });
});
