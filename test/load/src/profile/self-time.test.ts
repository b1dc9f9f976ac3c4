import { expect, test } from 'vitest';
import { type CpuProfile, selfTimes } from './self-time.ts';

const node = (id: number, functionName: string): CpuProfile['nodes'][number] => ({
  id,
  callFrame: { functionName, url: 'file:///a.js', lineNumber: 9, columnNumber: 0 },
});

test('adds up what ran inside the window, without idle time', () => {
  const profile: CpuProfile = {
    nodes: [node(1, '(idle)'), node(2, 'relay'), node(3, ''), node(4, 'relay')],
    startTime: 1000,
    samples: [2, 1, 2, 3, 4, 2],
    timeDeltas: [0, 100, 100, 100, 100, 100],
  };
  // At 1000 before the window, at 1100 idle, at 1500 after it.
  expect(selfTimes(profile, 1050, 1450)).toEqual([
    { functionName: 'relay', url: 'file:///a.js', line: 10, column: 1, micros: 200, share: 2 / 3 },
    { functionName: '(anonymous)', url: 'file:///a.js', line: 10, column: 1, micros: 100, share: 1 / 3 },
  ]);
});
