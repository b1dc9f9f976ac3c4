import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { prisma7 } from '@postern/test-prisma-7';
import ts from 'typescript';
import { expect, test } from 'vitest';

// A host that is not exactly localhost: there the extension connects at once. Nobody listens on port 1.
const url = 'prisma+postgres://127.0.0.1.localhost:9/?api_key=k';
const here = dirname(fileURLToPath(import.meta.url));
const helper = join(here, '../../packages/prisma-mapping/src/gateway-fetch.ts');

/** A program of its own, because what is tested is whether it dies. */
async function run(extend: string): Promise<{ code: number | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-start-'));
  const file = join(folder, 'program.mjs');
  const require = createRequire(join(here, '../prisma-7/package.json'));
  // Node 20 does not read TypeScript.
  const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
  const { outputText } = ts.transpileModule(readFileSync(helper, 'utf8'), { compilerOptions: target });
  writeFileSync(join(folder, 'gateway-fetch.mjs'), outputText);
  writeFileSync(
    file,
    `
import prisma from ${JSON.stringify(pathToFileURL(join(prisma7().folder, 'index.js')).href)};
import { withAccelerate } from ${JSON.stringify(pathToFileURL(require.resolve('@prisma/extension-accelerate')).href)};
import { connectLater, gatewayFetch } from './gateway-fetch.mjs';
const url = ${JSON.stringify(url)};
const client = new prisma.PrismaClient({ accelerateUrl: url }).$extends(${extend});
await new Promise((resolve) => setTimeout(resolve, 300));
console.log('alive');
await client.user.count().catch((error) => console.log('query failed', error.constructor.name));
`,
  );
  const child = spawn(process.execPath, [file]);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  rmSync(folder, { recursive: true });
  return { code, output };
}

test('the bare extension dies with a gateway that is down; connectLater keeps the program alive', async () => {
  expect(await run('withAccelerate()')).toMatchObject({ code: 1, output: expect.not.stringContaining('alive') });
  const careful = await run('connectLater(withAccelerate({ fetch: gatewayFetch(url) }))');
  expect(careful.output).toContain('alive');
  expect(careful).toMatchObject({ code: 0, output: expect.stringContaining('query failed') });
});
