import { expect, test } from 'vitest';
import { createOutput } from './output.ts';

test('gathers what one turn prints, in order', () => {
  const written: string[] = [];
  const turns: (() => void)[] = [];
  const output = createOutput(
    (text) => void written.push(text),
    (callback) => void turns.push(callback),
  );
  output.write('a\n');
  output.write('b\n');
  expect(written).toEqual([]);
  for (const turn of turns.splice(0)) turn();
  output.write('c\n');
  output.flush();
  for (const turn of turns.splice(0)) turn();
  expect(written).toEqual(['a\nb\n', 'c\n']);
});

test('writes at once what would grow too large', () => {
  const written: string[] = [];
  const output = createOutput(
    (text) => void written.push(text),
    () => {},
  );
  output.write('x'.repeat(70_000));
  expect(written.join('')).toHaveLength(70_000);
});
