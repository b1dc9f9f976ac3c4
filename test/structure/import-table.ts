// DESIGN.md "Packages and who may import whom" as data. ARCHITECTURE.md shows the same table to people.

export interface ImportRule {
  /** Workspace packages this one may import, by folder name below packages/. */
  readonly workspace: readonly string[];
  /** npm packages it may import. `'any'`: not decided here. */
  readonly npm: readonly string[] | 'any';
  /** Where `node:*` may be imported: nowhere, everywhere, or only below these folders of the package. */
  readonly node: 'nowhere' | 'everywhere' | readonly string[];
}

/** A package without a line here fails the test: decide first, then import. */
export const importTable: Readonly<Record<string, ImportRule>> = {
  'packages/wire': { workspace: [], npm: [], node: 'nowhere' },
  'packages/contract': { workspace: ['wire'], npm: [], node: 'nowhere' },
  'packages/pool': { workspace: ['wire'], npm: [], node: 'nowhere' },
  'packages/prisma-mapping': { workspace: ['wire'], npm: [], node: 'nowhere' },
  'packages/gateway': {
    workspace: ['wire', 'contract', 'pool', 'prisma-mapping'],
    npm: [
      'hono',
      '@hono/node-server',
      'ws',
      'lru-cache',
      '@prisma/client-engine-runtime',
      '@prisma/driver-adapter-utils',
    ],
    node: ['src/node/'],
  },
  'packages/embedded-postgres-launcher': { workspace: [], npm: [], node: 'everywhere' },
  'packages/serverless': { workspace: ['contract', 'wire'], npm: [], node: 'nowhere' },
  'packages/prisma-adapter': {
    workspace: ['serverless', 'prisma-mapping'],
    npm: ['@prisma/driver-adapter-utils'],
    node: 'nowhere',
  },
  'packages/testkit': {
    workspace: ['wire', 'contract', 'pool', 'gateway', 'embedded-postgres-launcher', 'serverless', 'prisma-adapter'],
    npm: 'any',
    node: 'everywhere',
  },
  // The program also assembles what the gateway is made of.
  'apps/postern': {
    workspace: ['gateway', 'contract', 'pool', 'wire', 'embedded-postgres-launcher'],
    npm: ['commander', 'zod'],
    node: 'everywhere',
  },
  'apps/docs': {
    workspace: ['contract', 'pool'],
    npm: ['typedoc', 'typedoc-plugin-markdown', 'typescript', 'vitepress'],
    node: 'everywhere',
  },
};

/** Longest source file that is not a test. */
export const maxSourceLines = 400;
