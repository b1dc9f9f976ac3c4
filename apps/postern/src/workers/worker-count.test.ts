import { expect, test } from 'vitest';
import { workerCount } from './worker-count.ts';

const url = 'postgres://h/d';

test.each([
  [{}, 1, 1],
  [{}, 2, 1],
  [{}, 3, 3],
  [{}, 64, 16],
  [{ poolSize: 2 }, 8, 2],
  [{ endpoints: { a: { databaseUrl: url, poolSize: 5 }, b: { databaseUrl: url } } }, 8, 5],
  [{ workers: 4 }, 1, 4],
  [{ workers: 4, poolSize: 2 }, 8, 4],
  [{ workers: 1 }, 8, 1],
])('%j on %d cores: %d', (config, cores, expected) => {
  expect(workerCount(config, cores)).toBe(expected);
});
