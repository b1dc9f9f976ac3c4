import { defineConfig } from 'tsdown';

// One ESM build for every runtime; our own packages are bundled, so that there is nothing else to install.
export default defineConfig({
  entry: ['src/index.ts', 'src/http.ts', 'src/pg.ts', 'src/types.ts'],
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  clean: true,
  sourcemap: true,
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  deps: { alwaysBundle: [/^@postern\//] },
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
});
