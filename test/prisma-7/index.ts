import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClientOptions, generateClient, type PrismaVersion, type SuiteClient } from '@postern/test-prisma-suite';
import { PrismaPg } from '@prisma/adapter-pg';
import { withAccelerate } from '@prisma/extension-accelerate';

const packageFolder = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

type Constructor = new (options: object) => SuiteClient;

/** Prisma 7.10: the client engine is the only one. */
export function prisma7(): PrismaVersion {
  const version = '7.10.0';
  const folder = generateClient({
    packageFolder,
    version,
    header: `
generator client {
  provider = "prisma-client-js"
  output   = "./client"
}
datasource db {
  provider = "postgresql"
}`,
  });
  const { PrismaClient } = require(folder) as { PrismaClient: Constructor };
  const open = (options: object, { logsQueries = false }: ClientOptions = {}): SuiteClient =>
    new PrismaClient({ ...options, ...(logsQueries ? { log: [{ emit: 'event', level: 'query' }] } : {}) });
  return {
    version,
    folder,
    openDirect: (connectionString, options = {}) =>
      open(
        { adapter: new PrismaPg({ connectionString }, options.schema === undefined ? {} : { schema: options.schema }) },
        options,
      ),
    openAdapter: (adapter, options) => open({ adapter: adapter as object }, options),
    openAccelerate: (accelerateUrl, options) => open({ accelerateUrl }, options),
    withAccelerate: (options) => withAccelerate(options as Parameters<typeof withAccelerate>[0]),
  };
}
