import { expect, test } from 'vitest';
import { withoutLeadingSpace } from './leading-space.ts';

test.each([
  ['SELECT 1', 'SELECT 1'],
  [' \n\t-- one\n--two\rSELECT 1 -- three', 'SELECT 1 -- three'],
  ['/* one *//**/ /***/SELECT 1 /* two */', 'SELECT 1 /* two */'],
  ['/* one /* two */ three */ SELECT 1', 'SELECT 1'],
  ['/* one /* two */ SELECT 1', ''],
  ['-- all', ''],
  ['- 1', '- 1'],
  ['/ 1', '/ 1'],
  ['', ''],
])('%s → %s', (sql, rest) => {
  expect(withoutLeadingSpace(sql)).toBe(rest);
});

test('of any length', () => {
  for (const piece of ['x', '* ', '/* */', '/**/']) {
    expect(withoutLeadingSpace(`/*${piece.repeat(9_000_000 / piece.length)}*/copy`)).toBe('copy');
  }
  expect(withoutLeadingSpace(`${'/**/ --\n'.repeat(500_000)}copy`)).toBe('copy');
});
