import { createRequire } from 'node:module';
import { generateClient } from './generate-client.ts';
import type { ClientOptions, PrismaVersion, SuiteClient } from './suite-client.ts';

type Adapter = new (config: { connectionString: string }, options?: { schema: string }) => unknown;

export interface PrismaPackages {
  /** The folder whose `prisma` and `@prisma/client` are used; gets the folder `generated/`. */
  readonly packageFolder: string;
  /** Of the client. */
  readonly version: string;
  /** Of this version's @prisma/adapter-pg. */
  readonly PrismaPg: unknown;
  readonly withAccelerate: PrismaVersion['withAccelerate'];
}

/** Generates the suite's client with the packages given. Version 6 has two engines: this is the one that compiles queries. */
export function createPrismaVersion({
  packageFolder,
  version,
  PrismaPg,
  withAccelerate,
}: PrismaPackages): PrismaVersion {
  const isBefore7 = Number.parseInt(version, 10) < 7;
  const folder = generateClient({ packageFolder, version, header: isBefore7 ? header6 : header7 });
  const { PrismaClient } = createRequire(import.meta.url)(folder) as {
    PrismaClient: new (options: object) => SuiteClient;
  };
  const OfficialAdapter = PrismaPg as Adapter; // its types differ from version to version
  const open = (options: object, { logsQueries = false }: ClientOptions = {}): SuiteClient =>
    new PrismaClient({ ...options, ...(logsQueries ? { log: [{ emit: 'event', level: 'query' }] } : {}) });
  return {
    version,
    folder,
    openDirect(connectionString, options = {}) {
      const { schema } = options;
      const adapter = new OfficialAdapter({ connectionString }, ...(schema === undefined ? [] : [{ schema }]));
      return open({ adapter }, options);
    },
    openAdapter: (adapter, options) => open({ adapter }, options),
    openAccelerate: (url, options) => open(isBefore7 ? { datasourceUrl: url } : { accelerateUrl: url }, options),
    withAccelerate,
  };
}

const header7 = `
generator client {
  provider = "prisma-client-js"
  output   = "./client"
}
datasource db {
  provider = "postgresql"
}`;

const header6 = `
generator client {
  provider   = "prisma-client-js"
  output     = "./client"
  engineType = "client"
}
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}`;
