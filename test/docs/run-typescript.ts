/** Runs a TypeScript block as a module in a process of its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prisma7 } from '@postern/test-prisma-7';
import { build } from 'esbuild';
import type { CodeBlock } from './code-blocks.ts';
import { preludes } from './preludes.ts';
import { repositoryRoot, testFolder } from './repository.ts';
import { runProcess } from './run-process.ts';
import { databaseUrl, type World } from './world.ts';

/** Packages a reader would install; those of this repository are taken as they are built. Everything else is bundled. */
const installed = [
  '@neondatabase/serverless',
  '@postern/prisma-adapter',
  '@postern/serverless',
  '@postern/serverless/*',
  '@prisma/adapter-neon',
  'pg',
  'ws',
];

/** Every package of the repository, which pnpm keeps from being found by accident. */
const hoisted = join(repositoryRoot, 'node_modules/.pnpm/node_modules');

export async function runTypeScript(block: CodeBlock, { network }: World): Promise<void> {
  const generated = join(testFolder, 'generated');
  mkdirSync(generated, { recursive: true });
  const folder = mkdtempSync(join(generated, 'block-'));
  try {
    const module = join(folder, 'block.mjs');
    await build({
      stdin: { contents: contentsOf(block), loader: 'ts', resolveDir: testFolder, sourcefile: block.file },
      outfile: module,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      external: installed,
      nodePaths: [hoisted],
      // The client that the reader's `prisma generate` has written.
      plugins: [
        {
          name: 'generated-prisma-client',
          setup({ onResolve }) {
            onResolve({ filter: /generated\/(prisma\/)?client/ }, () => ({
              path: join(prisma7().folder, 'index.js'),
              external: true,
            }));
          },
        },
      ],
      banner: {
        js: "import { createRequire as createRequireOfBlock } from 'node:module'; const require = createRequireOfBlock(import.meta.url);",
      },
      logLevel: 'silent',
    });
    await runProcess({
      command: [
        process.execPath,
        '--enable-source-maps',
        '--no-warnings',
        '--import',
        pathToFileURL(join(testFolder, 'network-map.mjs')).href,
        join(testFolder, 'run-block.mjs'),
        pathToFileURL(module).href,
      ],
      cwd: folder,
      environment: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl,
        // What Prisma's generated client imports of Prisma: a reader's npm puts it where it is found, pnpm does not.
        NODE_PATH: hoisted,
        POSTERN_DOCS_NETWORK: JSON.stringify(network),
        POSTERN_DOCS_WEBSOCKET: 'yes',
        // The certificate of the tests is for localhost.
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
      },
      timeoutMs: 20_000,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The code on the lines it has in its document, so that stack traces and syntax errors name those. */
function contentsOf({ code, line, prelude }: CodeBlock): string {
  if (prelude === undefined) return '\n'.repeat(line - 1) + code;
  const before = preludes[prelude];
  if (before === undefined)
    throw new Error(`there is no prelude "${prelude}"; known are ${Object.keys(preludes).join(', ')}`);
  return before.trim().replaceAll(/\s*\n\s*/g, ' ') + '\n'.repeat(line - 1) + code;
}
