import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateClient, type PrismaVersion, type SuiteClient } from '@postern/test-prisma-suite';
import { prisma6 } from './index.ts';

/**
 * Prisma 6.19 generated with `--no-engine`, for `prisma://` URLs only: it sends queries and has nothing that compiles them.
 * Straight to Postgres, where it cannot go, the client of the same version with the client engine goes in its place.
 */
export function prisma6WithoutEngine(): PrismaVersion {
  const direct = prisma6();
  const folder = generateClient({
    packageFolder: dirname(fileURLToPath(import.meta.url)),
    version: direct.version,
    header,
    flags: ['--no-engine'],
  });
  const { PrismaClient } = createRequire(import.meta.url)(folder) as {
    PrismaClient: new (options: object) => SuiteClient;
  };
  return {
    ...direct,
    folder,
    openAccelerate: (url, { logsQueries = false } = {}) =>
      new PrismaClient({
        datasourceUrl: url,
        ...(logsQueries ? { log: [{ emit: 'event', level: 'query' }] } : {}),
      }),
  };
}

const header = `
generator client {
  provider = "prisma-client-js"
  output   = "./client"
}
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}`;
