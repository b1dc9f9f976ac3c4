import { defineConfig, type UserConfig } from 'tsdown';

// Load generator and peers must run as plain JavaScript: a loader that rewrites them would be measured too.
const config: UserConfig = defineConfig({
  entry: {
    main: 'src/main.ts',
    generator: 'src/load/generator-process.ts',
    'hono-node-postgres': 'src/peers/hono-node-postgres.ts',
    'reframing-relay': 'src/peers/reframing-relay.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: false,
  clean: true,
  logLevel: 'error',
  deps: { alwaysBundle: [/^@postern\//], onlyBundle: false },
  outExtensions: () => ({ js: '.js' }),
});

export default config;
