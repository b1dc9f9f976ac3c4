import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundledText, bundleSize } from './testing/bundle-size.ts';

// What a program gets of the built package (`npm run build` first): by esbuild, minified, gzip -9, all exports used. The official
// driver weighs 47 kB either way. The limits are what there is today, so that nothing is added unseen; the goal is 5 kB for
// /http and 16 kB for everything.
test.each([
  ['http', 5_570],
  ['index', 17_675],
])('%s', async (name, limit) => {
  const { minified, gzipped } = await bundleSize(name);
  console.log(`@postern/serverless ${name}: ${minified} bytes minified, ${gzipped} gzipped`);
  expect(gzipped).toBeLessThanOrEqual(limit);
});

const dist = new URL('../dist/', import.meta.url).pathname;

test('§9 /http has nothing of the Postgres protocol, and nothing is printed', async () => {
  const [http, everything] = await Promise.all([bundledText('http'), bundledText('index')]);
  for (const word of ['SCRAM', 'WebSocket', 'CopyData']) {
    expect(everything).toContain(word);
    expect(http).not.toContain(word);
  }
  expect(everything).not.toContain('console.');
});

test('§9 no any in the types, and no class that is not there', async () => {
  const values = Object.keys((await import('./index.ts')) as object);
  const text = readdirSync(dist)
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => readFileSync(join(dist, name), 'utf8').replace(/\/\*.*?\*\//gs, ''))
    .join('\n');
  expect(text.match(/\bany\b/g)).toBe(null);
  const [, exported = ''] = /export \{([^}]*)\}/.exec(readFileSync(join(dist, 'index.d.ts'), 'utf8')) ?? [];
  const names = exported.split(',').map((item) => item.split(' as ').at(-1)?.trim());
  const classes = [...text.matchAll(/declare class (\w+)/g)].map(([, name]) => name);
  expect(classes.length).toBeGreaterThan(5);
  expect(classes.filter((name) => names.includes(name) && !values.includes(name ?? ''))).toEqual([]);
});

// Node since 20.19 requires ES modules, so there is no second build for CommonJS, and never two copies of the settings.
test.each(['', '/http', '/pg', '/types'])('require(@postern/serverless%s) is what import gives', (entry) => {
  const name = JSON.stringify(`@postern/serverless${entry}`);
  const script = `import(${name}).then((module) => console.log(require(${name}) === module, module.types !== undefined))`;
  const cwd = new URL('..', import.meta.url).pathname;
  expect(execFileSync(process.execPath, ['-e', script], { cwd, encoding: 'utf8' })).toBe('true true\n');
});
