import { expect, test } from 'vitest';
import { concatBytes } from './concat-bytes.ts';

test('parts in order, views included, into memory of its own', () => {
  const source = Uint8Array.of(9, 1, 2, 9);
  const joined = concatBytes([source.subarray(1, 3), new Uint8Array(0), Uint8Array.of(3)]);
  source.fill(0);
  expect(joined).toEqual(Uint8Array.of(1, 2, 3));
  expect(concatBytes([])).toEqual(new Uint8Array(0));
});
