import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bundleSize } from './testing/bundle-size.ts';

// What a program gets of the built package (`npm run build` first): by esbuild, minified, gzip -9, all exports used. The official
// driver weighs 47 kB either way. The limits are what there is today, so that nothing is added unseen; the goal is 5 kB for
// /http and 16 kB for everything.
test.each([
  ['http', 5_820],
  ['index', 17_540],
])('%s', async (name, limit) => {
  const { minified, gzipped } = await bundleSize(name);
  console.log(`@postern/serverless ${name}: ${minified} bytes minified, ${gzipped} gzipped`);
  expect(gzipped).toBeLessThanOrEqual(limit);
});

// Node since 20.19 requires ES modules, so there is no second build for CommonJS, and never two copies of the settings.
test.each(['', '/http', '/pg', '/types'])('require(@postern/serverless%s) is what import gives', (entry) => {
  const name = JSON.stringify(`@postern/serverless${entry}`);
  const script = `import(${name}).then((module) => console.log(require(${name}) === module, module.types !== undefined))`;
  const cwd = new URL('..', import.meta.url).pathname;
  expect(execFileSync(process.execPath, ['-e', script], { cwd, encoding: 'utf8' })).toBe('true true\n');
});
