import { createFakeClock } from '@postern/testkit';
import { describe, expect, test } from 'vitest';
import { type CompilerLimits, createQueryCompilers } from './query-compilers.ts';
import type { StoredSchema } from './schema-store.ts';
import { compiled, createScriptedCompiler, settled } from './scripted-compiler.fixture.ts';

const schema = (id: string): StoredSchema => ({ id, text: `schema ${id}` });

function open(limits: Partial<CompilerLimits> = {}) {
  const clock = createFakeClock();
  const { start, threads } = createScriptedCompiler();
  const compilers = createQueryCompilers({ start, clock, limits });
  /** What became of each, in the order in which it did. */
  const told: string[] = [];
  const ask = (id: string, query: string, schemaName?: string): void => {
    compilers.compile(schema(id), schemaName, 'single', query).then(
      (plan) => told.push(`${query}: ${plan}`),
      (error: { code: string; message: string }) => told.push(`${query}: ${error.code} ${error.message}`),
    );
  };
  const alive = () => threads.filter(({ isEnded }) => !isEnded).map(({ subject }) => subject.schema);
  return { clock, threads, compilers, told, ask, alive };
}

test('a schema’s queries are compiled one after the other, by one thread', async () => {
  const { ask, told, threads } = open();
  ask('a', 'one');
  ask('a', 'two');
  await settled();
  expect(threads.map(({ asked }) => [...asked])).toEqual([['one']]);
  await threads[0]!.answer(compiled('1'));
  expect([...threads[0]!.asked]).toEqual(['two']);
  await threads[0]!.answer(compiled('2'));
  expect(told).toEqual(['one: 1', 'two: 2']);
});

test('the same query is compiled once; another schema, Postgres schema or text is another', async () => {
  const { ask, told, threads } = open();
  ask('a', 'q');
  await settled();
  await threads[0]!.answer(compiled('1'));
  ask('a', 'q');
  await settled();
  expect(told).toEqual(['q: 1', 'q: 1']);
  ask('b', 'q');
  ask('a', 'q', 'shop');
  await settled();
  expect(threads.map(({ subject }) => subject)).toEqual([
    { schema: 'schema a', schemaName: undefined },
    { schema: 'schema b', schemaName: undefined },
    { schema: 'schema a', schemaName: 'shop' },
  ]);
});

test('plans are kept by their bytes, and large ones not at all', async () => {
  const { ask, threads } = open({ maxPlanBytes: 16_000 });
  const compile = async (query: string, plan: string) => {
    ask('a', query);
    await settled();
    const isAsked = threads[0]!.asked.length > 0;
    if (isAsked) await threads[0]!.answer(compiled(plan));
    return isAsked ? 'compiled' : 'known';
  };
  expect(await compile('large', 'x'.repeat(600))).toBe('compiled');
  expect(await compile('large', 'x'.repeat(600))).toBe('compiled');
  for (let n = 0; n < 40; n++) await compile(`q${n}`, 'x'.repeat(300));
  expect(await compile('q39', '')).toBe('known');
  expect(await compile('q0', '')).toBe('compiled');
});

describe('the least recently used compiler makes room', () => {
  test('at once when it rests', async () => {
    const { ask, alive, threads } = open({ maxCompilers: 2 });
    for (const id of ['a', 'b']) {
      ask(id, 'q');
      await settled();
      await threads.at(-1)!.answer(compiled('1'));
    }
    ask('a', 'again');
    await settled();
    await threads[0]!.answer(compiled('2'));
    ask('c', 'q');
    await settled();
    expect(alive()).toEqual(['schema a', 'schema c']);
  });

  test('when it has answered what it works on; what it was asked before comes later', async () => {
    const { ask, alive, told, threads } = open({ maxCompilers: 1, maxWorking: 4 });
    ask('a', 'one');
    ask('a', 'two');
    ask('b', 'three');
    await settled();
    expect(alive()).toEqual(['schema a', 'schema b']);
    await threads[0]!.answer(compiled('1'));
    // Not by the same thread: it would be one too many while its turn has not come.
    expect(threads.map(({ subject, isEnded }) => [subject.schema, isEnded])).toEqual([
      ['schema a', true],
      ['schema b', false],
      ['schema a', false],
    ]);
    await threads[2]!.answer(compiled('2'));
    expect(told).toEqual(['one: 1', 'two: 2']);
    expect(alive()).toEqual(['schema b']);
  });
});

test('only so many work at the same time, in the order in which they came', async () => {
  const { ask, threads } = open({ maxWorking: 1 });
  ask('a', 'one');
  ask('b', 'two');
  ask('c', 'three');
  await settled();
  expect(threads.map(({ subject }) => subject.schema)).toEqual(['schema a']);
  await threads[0]!.answer(compiled('1'));
  expect(threads.map(({ subject }) => subject.schema)).toEqual(['schema a', 'schema b']);
});

test('a query over its time is given up with its thread; those behind it get a new one', async () => {
  const { ask, told, threads, clock } = open({ compileTimeoutMs: 5_000 });
  ask('a', 'endless');
  ask('a', 'good');
  await settled();
  clock.advance(4_999);
  await settled();
  expect(told).toEqual([]);
  clock.advance(1);
  await settled();
  expect(told).toEqual(['endless: P6004 The query took longer than 5 s to compile, and was given up.']);
  expect(threads.map(({ isEnded }) => isEnded)).toEqual([true, false]);
  await threads[1]!.answer(compiled('1'));
  expect(told.at(-1)).toBe('good: 1');
});

test('a panic costs the thread and the one query; the caller does not see its text', async () => {
  const { ask, told, threads } = open();
  ask('a', 'bad');
  ask('a', 'good');
  await settled();
  await threads[0]!.answer({ outcome: 'broken', reason: 'src/secret.rs:7' });
  expect(told).toEqual(['bad: P6000 The query compiler failed on this query, or on its schema.']);
  await threads[1]!.answer(compiled('1'));
  expect(told.at(-1)).toBe('good: 1');
});

test('a thread that holds too much memory is replaced', async () => {
  const { ask, threads, alive } = open({ maxIdleCompilerBytes: 1_000_000 });
  ask('a', 'one');
  await settled();
  await threads[0]!.answer(compiled('1', 1_000_001));
  expect(alive()).toEqual([]);
  ask('a', 'two');
  await settled();
  expect(threads).toHaveLength(2);
});

test('a schema that is none is asked about once', async () => {
  const { ask, told, threads, alive } = open();
  ask('a', 'one');
  ask('a', 'two');
  await settled();
  await threads[0]!.answer({ outcome: 'schema-refused', message: 'no schema' });
  expect(told).toEqual(['one: P6000 no schema', 'two: P6000 no schema']);
  expect(threads).toHaveLength(1);
  expect(alive()).toEqual([]);
});

test('too many that wait are refused', async () => {
  const { ask, told } = open({ maxWaiting: 2 });
  for (const query of ['one', 'two', 'three']) ask('a', query);
  await settled();
  expect(told).toEqual(['three: P5011 Too many requests: 2 queries wait to be compiled.']);
});

test('closing ends what rests', async () => {
  const { ask, alive, threads, compilers } = open();
  ask('a', 'one');
  await settled();
  await threads[0]!.answer(compiled('1'));
  compilers.close();
  expect(alive()).toEqual([]);
});
