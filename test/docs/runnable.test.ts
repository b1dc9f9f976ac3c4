import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CodeBlock, codeBlocks } from './code-blocks.ts';
import { readDocuments, unreadDocuments } from './documents.ts';
import { runCodeBlock } from './run-code-block.ts';
import { openWorld, type World } from './world.ts';

const blocks = readDocuments().flatMap(({ file, markdown }) => codeBlocks(file, markdown));
const runnable = blocks.filter((block) => block.isRunnable);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const at = ({ file, line, language }: CodeBlock): string => `${file}:${line} ${language}`;

test('no document of the repository is left out', () => {
  expect(unreadDocuments()).toEqual([]);
});

test('every block that could be run is run, or says why not', () => {
  const silent = blocks.filter(
    ({ language, isRunnable, shown }) => /^(ts|js|sh|sql)$/.test(language) && !isRunnable && (shown ?? '') === '',
  );
  expect(silent.map(at)).toEqual([]);
  expect(runnable.length).toBeGreaterThan(10);
});

describe('the documentation', () => {
  // One after the other: they share a database, and the machine.
  test.each(runnable.map((block) => [at(block), block] as const))('%s', { timeout: 90_000 }, async (_, block) => {
    await world.reset();
    await runCodeBlock(block, world);
  });
});

describe('a broken block fails with its file and line', () => {
  const document = (language: string, code: string): CodeBlock =>
    codeBlocks('docs/broken.md', `# Title\n\ntext\n\n\`\`\`${language} runnable\n${code}\n\`\`\`\n`)[0]!;

  test.each([
    ['an import that does not exist', 'ts', "import { missing } from '@postern/serverless';\nmissing();"],
    [
      'a statement that Postgres refuses',
      'ts',
      "import { postern } from '@postern/serverless';\nawait postern(process.env.DATABASE_URL!)`SELEKT 1`;",
    ],
    ['a syntax error', 'ts', 'const = 1;'],
    ['a handler that answers with an error', 'ts', "export default () => new Response('no', { status: 500 });"],
    ['a wrong flag', 'sh', 'npx postern keys create --nome web'],
    ['SQL', 'sql', 'SELECT missing_column FROM users'],
    ['an unknown key', 'json', '{ "pool": 3 }'],
    ['a language nobody runs', 'cobol', 'STOP RUN.'],
  ])('%s', async (_, language, code) => {
    await world.reset();
    await expect(runCodeBlock(document(language, code), world)).rejects.toThrow('docs/broken.md:6: ');
  });

  test('a stack trace names the line of the document', async () => {
    const block = document('ts', "const answer = 42;\nthrow new Error('as expected ' + answer);");
    await expect(runCodeBlock(block, world)).rejects.toThrow(/as expected 42[\s\S]*docs\/broken\.md:7/);
  });
});
