import { defineConfig, type ViteUserConfig } from 'vitest/config';

// One vitest process for the whole repository: on two cores that is faster than one process per package.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/*/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['packages/testkit/src/postgres/vitest-global-setup.ts'],
    testTimeout: 30_000,
    // Real servers and clients on two busy cores: what fails is run again, up to three times, and each outcome is printed.
    retry: 0,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});

export default config;
