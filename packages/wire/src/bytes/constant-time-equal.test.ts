import { expect, test } from 'vitest';
import { constantTimeEqual } from './constant-time-equal.ts';

test.each([
  [[], [], true],
  [[1, 2, 3], [1, 2, 3], true],
  [[1, 2, 3], [1, 2, 4], false],
  [[0, 2, 3], [1, 2, 3], false],
  [[1, 2], [1, 2, 3], false],
  [[0], [], false],
  // Differences that would cancel out in a sum or an exclusive or.
  [[1, 2], [2, 1], false],
  [[3, 3], [4, 4], false],
])('%j and %j: %s', (a, b, equal) => {
  expect(constantTimeEqual(Uint8Array.from(a), Uint8Array.from(b))).toBe(equal);
});
