import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PrismaVersion } from '@postern/test-prisma-suite';
import { clientWithoutEngine } from './client-without-engine.ts';
import { prisma6 } from './index.ts';

export { clientWithoutEngine } from './client-without-engine.ts';

const packageFolder = dirname(fileURLToPath(import.meta.url));

/** Prisma 6.19, judged by the client engine of the same version. */
export function prisma6WithoutEngine(): PrismaVersion {
  const direct = prisma6();
  return clientWithoutEngine({ direct, version: direct.version, packageFolder });
}

/** As version 6 generates by default: with an engine that it leaves alone when the URL is a gateway's. */
export function prisma6ByDefault(): PrismaVersion {
  const direct = prisma6();
  return clientWithoutEngine({ direct, version: direct.version, packageFolder, flags: [] });
}
