import { expect, test } from 'vitest';
import { codeBlocks } from './code-blocks.ts';

test('finds blocks with their language, words and line', () => {
  const markdown = [
    '# T',
    '',
    '```ts runnable with=sql',
    'a();',
    '',
    'b();',
    '```',
    '- item',
    '  ```sh shown=download',
    '  x',
    '  ```',
  ].join('\n');
  expect(codeBlocks('a.md', markdown)).toEqual([
    {
      file: 'a.md',
      line: 4,
      language: 'ts',
      isRunnable: true,
      isServer: false,
      shown: undefined,
      prelude: 'sql',
      code: 'a();\n\nb();',
    },
    {
      file: 'a.md',
      line: 10,
      language: 'sh',
      isRunnable: false,
      isServer: false,
      shown: 'download',
      prelude: undefined,
      code: 'x',
    },
  ]);
});

test('a longer fence may hold a shorter one', () => {
  expect(codeBlocks('a.md', '````md\n```ts\nx\n```\n````\n')).toMatchObject([
    { language: 'md', code: '```ts\nx\n```' },
  ]);
});

test('a block without an end is an error', () => {
  expect(() => codeBlocks('a.md', 'text\n```ts\nx')).toThrow('a.md:2: this code block has no end');
});
