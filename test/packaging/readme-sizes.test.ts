// The sizes that the driver's README gives are those of today, give or take a twentieth.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { readManifest, repositoryRoot } from './published-packages.ts';

const folder = join(repositoryRoot, 'packages/serverless');
const rows = [
  ...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| `(@postern\/[\w/]+)` \|.*\| ([\d.]+) kB \|$/gm),
];

test('each entry has its size', () => {
  const { exports = {} } = readManifest(folder);
  const entries = Object.keys(exports).filter((name) => !name.endsWith('.json'));
  expect(rows.map(([, name]) => name)).toEqual(entries.map((name) => name.replace(/^\./, '@postern/serverless')));
});

test.each(rows.map(([, name = '', size]) => [name, Number(size)] as const))('%s: %d kB', async (name, kilobytes) => {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'error',
  });
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  expect(Math.abs(bytes / 1000 - kilobytes)).toBeLessThan(kilobytes / 20);
});
