import { expect, test } from 'vitest';
import type { ContenderResult, ScenarioResult } from '../run-scenario.ts';
import { judge } from './targets.ts';

const contender = (name: string, rate: number, cpuMicrosPerOperation: number): ContenderResult => ({
  ...{ name, rate, cpuMicrosPerOperation, spread: 0, samples: [] },
  latency: { p50Ms: 1, p99Ms: 2, maxMs: 4 },
});
const scenario = (name: string, contenders: ContenderResult[]): ScenarioResult => ({
  ...{ name, title: name, unit: '', contenders, discardedRounds: 0, noisyRounds: 0 },
  facts: [{ name: 'TCP: each asks at once, answered', value: 9_999, unit: '' }],
});

test('only what was measured is judged', () => {
  expect(judge([])).toEqual([]);
  const contenders = [
    ...[contender('postern', 80, 30), contender('postern, one by one', 70, 30)],
    contender('pgbouncer', 100, 25),
  ];
  const judged = judge([scenario('tcp-extended-64', contenders)]);
  expect(judged.map(({ value, isMet }) => [value, isMet])).toEqual([
    [0.8, false],
    [0.7, false],
    [1.2, true],
    [1, true],
  ]);
});

test('waits and facts', () => {
  expect(judge([scenario('tcp-extended-500', [contender('postern', 80, 30)])])).toMatchObject([
    { value: 4, bound: { atMost: 3 }, isMet: false },
  ]);
  expect(judge([scenario('idle', [contender('TCP', 6.5, 0)])])).toMatchObject([
    { value: 6.5, isMet: true },
    { value: 9_999, isMet: false },
  ]);
});
