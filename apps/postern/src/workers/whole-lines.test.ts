import { expect, test } from 'vitest';
import { createWholeLines } from './whole-lines.ts';

test('passes on whole lines only, and what is left at the end as one', () => {
  const written: string[] = [];
  const lines = createWholeLines((text) => written.push(text));
  lines.push('a\nb');
  lines.push('c');
  lines.push('\nd\ne\nf');
  expect(written).toEqual(['a\n', 'bc\nd\ne\n']);
  lines.end();
  expect(written.at(-1)).toBe('f\n');
});
