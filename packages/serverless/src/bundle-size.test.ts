import { expect, test } from 'vitest';
import { bundleSize } from './testing/bundle-size.ts';

// As esbuild makes it: minified, gzip -9, all exports used. The official driver weighs 47 kB either way. The limits are what
// there is today, so that nothing is added unseen; the goal of issue D is 5 kB for /http and 16 kB for everything.
test.each([
  ['/http', '../http.ts', 6_100],
  ['whole', '../index.ts', 18_100],
])('%s', async (name, entry, limit) => {
  const { minified, gzipped } = await bundleSize(entry);
  console.log(`@postern/serverless ${name}: ${minified} bytes minified, ${gzipped} gzipped`);
  expect(gzipped).toBeLessThanOrEqual(limit);
});
