import { expect, test } from 'vitest';
import { median, quantile, spread, summarizeLatency } from './statistics.ts';

test('median', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('quantile interpolates and leaves its argument alone', () => {
  const values = [40, 10, 30, 20];
  expect(quantile(values, 0)).toBe(10);
  expect(quantile(values, 1)).toBe(40);
  expect(quantile(values, 1 / 3)).toBeCloseTo(20);
  expect(quantile(values, 0.9)).toBeCloseTo(37);
  expect(values).toEqual([40, 10, 30, 20]);
});

test('spread', () => {
  expect(spread([90, 100, 120])).toBeCloseTo(0.3);
  expect(spread([7])).toBe(0);
});

test('latency', () => {
  const waits = Float64Array.from({ length: 101 }, (_, index) => 100 - index);
  expect(summarizeLatency(waits)).toEqual({ p50Ms: 50, p99Ms: 99, maxMs: 100 });
});
