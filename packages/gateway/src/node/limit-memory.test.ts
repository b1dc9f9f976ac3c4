import { expect, test } from 'vitest';
import { limitMemory } from './limit-memory.ts';

/** (module (memory (export "memory") <limits>)) */
const program = (...limits: number[]): Uint8Array =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[5, limits.length + 1, 1, ...limits],
    ...[7, 10, 1, 6, ...new TextEncoder().encode('memory'), 2, 0],
  ]);

test('memory grows up to the limit and no further', async () => {
  const limited = await WebAssembly.compile(limitMemory(program(0, 2), 300));
  const { exports } = await WebAssembly.instantiate(limited, {});
  const memory = exports.memory as unknown as { grow(pages: number): number };
  expect(memory.grow(298)).toBe(2);
  expect(() => memory.grow(1)).toThrow(RangeError);
});

test.each([
  ['no memory', Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])],
  ['a limit of its own', program(1, 2, 3)],
  ['a larger need', program(0, 0x80, 0x10)],
])('refuses a program with %s', (_name, given) => {
  expect(() => limitMemory(given, 300)).toThrow('no memory that could be limited');
});
