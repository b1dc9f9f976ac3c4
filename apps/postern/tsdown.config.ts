import { defineConfig } from 'tsdown';
import { queryCompiler, queryCompilerPackage } from './query-compiler.config.ts';
import { thirdPartyLicenses } from './third-party-licenses.config.ts';

// One file without dependencies to install: everything but Postgres itself is bundled.
export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: true,
  clean: true,
  sourcemap: true,
  deps: { onlyBundle: false },
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
  plugins: [queryCompiler(), thirdPartyLicenses([queryCompilerPackage])],
});
