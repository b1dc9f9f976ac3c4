import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prisma7 } from '@postern/test-prisma-7';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { codeBlocks } from './code-blocks.ts';
import { readDocuments } from './documents.ts';
import { preludes } from './preludes.ts';
import { repositoryRoot, testFolder } from './repository.ts';

/** A reader's tsconfig.json: strict, for a bundler. Only `paths` is ours: what npm would have put beside the program. */
const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  typeRoots: [join(repositoryRoot, 'node_modules/@types')],
};

test('every runnable TypeScript block has no type error', { timeout: 300_000 }, () => {
  const folder = join(testFolder, 'generated/types');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const blocks = readDocuments()
    .flatMap(({ file, markdown }) => codeBlocks(file, markdown))
    .filter(({ language, isRunnable }) => language === 'ts' && isRunnable);
  const places = new Map<string, string>();
  for (const { file, line, code, prelude } of blocks) {
    const name = join(folder, `${file.replaceAll(/\W/g, '-')}-${line}.ts`);
    const before = prelude === undefined ? '' : (preludes[prelude] ?? '').trim().replaceAll(/\s*\n\s*/g, ' ');
    // On the lines of the document.
    writeFileSync(name, `${before}${'\n'.repeat(line - 1)}${code}`);
    places.set(name, file);
  }
  // As the reader's `prisma generate` writes it.
  mkdirSync(join(folder, 'generated/prisma'), { recursive: true });
  for (const client of ['generated/client.ts', 'generated/prisma/client.ts']) {
    writeFileSync(join(folder, client), `export * from '${prisma7().folder}/index.js';\n`);
  }
  const program = ts.createProgram([...places.keys()], {
    ...options,
    paths: { '@prisma/*': [join(repositoryRoot, 'node_modules/.pnpm/node_modules/@prisma/*')] },
  });
  const found = ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file !== undefined && places.has(file.fileName))
    .map(({ file, start = 0, messageText }) => {
      const line = ts.getLineAndCharacterOfPosition(file!, start).line + 1;
      return `${places.get(file!.fileName)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 300)}`;
    });
  expect(found).toEqual([]);
});
