import { createRequire } from 'node:module';
import { generateClient, type PrismaVersion, type SuiteClient } from '@postern/test-prisma-suite';

export interface WithoutEngineOptions {
  /** What goes in its place straight to Postgres, where it cannot go. */
  readonly direct: PrismaVersion;
  readonly version: string;
  /** The package whose `prisma` and `@prisma/client` are used. */
  readonly packageFolder: string;
  /** Of `prisma generate`; default `--no-engine`. */
  readonly flags?: readonly string[];
}

/** A client generated with `--no-engine`, for `prisma://` URLs only: it sends queries and has nothing that compiles them. */
export function clientWithoutEngine(options: WithoutEngineOptions): PrismaVersion {
  const { direct, version, packageFolder, flags = ['--no-engine'] } = options;
  const folder = generateClient({ packageFolder, version, header, flags });
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
