import { defineConfig } from 'tsdown';

// One ESM build for every runtime. The driver stays outside: the program may configure it, and must find the same copy.
export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  clean: true,
  sourcemap: true,
  deps: { alwaysBundle: [/^@postern\/(prisma-mapping|wire)$/], neverBundle: ['@postern/serverless'] },
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
});
