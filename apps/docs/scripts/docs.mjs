// `node docs.mjs dev | build | preview`: writes the generated pages, then runs VitePress. Plain Node: what it needs of our TypeScript
// is bundled first.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const [command = 'build', ...rest] = process.argv.slice(2);

const generator = join(folder, 'generated', 'generate.mjs');
mkdirSync(dirname(generator), { recursive: true });
await build({
  entryPoints: [join(folder, 'src', 'generate.ts')],
  outfile: generator,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['typedoc', 'typedoc-plugin-markdown', 'typescript'],
  logLevel: 'warning',
});
const { generatePages } = await import(pathToFileURL(generator).href);
await generatePages({
  repositoryFolder: dirname(dirname(folder)),
  contentFolder: join(folder, 'content'),
  partsFolder: join(folder, 'generated', 'parts'),
});

const vitepress = join(
  dirname(createRequire(import.meta.url).resolve('vitepress/package.json')),
  'bin',
  'vitepress.js',
);
const { status } = spawnSync(process.execPath, [vitepress, command, folder, ...rest], {
  stdio: 'inherit',
  cwd: folder,
});
process.exitCode = status ?? 1;
