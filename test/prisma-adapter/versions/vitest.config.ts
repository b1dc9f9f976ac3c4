// npx vitest run --config test/prisma-adapter/versions/vitest.config.ts
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import everything from '../../../vitest.config.ts';

const config: ViteUserConfig = defineConfig({
  root: join(import.meta.dirname, '../../..'),
  test: {
    ...everything.test,
    include: ['test/prisma-adapter/versions/versions.suite.ts'],
    globalSetup: [
      'packages/testkit/src/postgres/vitest-global-setup.ts',
      'test/prisma-adapter/versions/installed-prisma.ts',
    ],
  },
});

export default config;
