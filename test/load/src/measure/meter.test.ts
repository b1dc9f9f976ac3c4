import { expect, test } from 'vitest';
import { type Reading, usageBetween } from './meter.ts';

const reading = (atMs: number, busy: number, stolen: number, ours: number, server: number): Reading => ({
  atMs,
  machine: { busy, stolen },
  ours,
  server,
});

test('what others used is what is left of the machine', () => {
  const first = reading(1000, 500, 10, 100, 40);
  // Two seconds on two cores are 400 ticks: 300 busy, of them 260 ours, and 20 stolen.
  expect(usageBetween(first, reading(3000, 800, 30, 360, 140), 2)).toEqual({
    seconds: 2,
    serverCpuMicros: 1e6,
    foreignShare: (40 + 20) / 400,
  });
});

test('readings that do not quite agree are no negative load', () => {
  const first = reading(0, 0, 0, 0, 0);
  expect(usageBetween(first, reading(1000, 100, 0, 103, 50), 2).foreignShare).toBe(0);
});
