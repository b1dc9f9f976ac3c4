import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PrismaVersion } from '@postern/test-prisma-suite';
import { clientWithoutEngine } from './client-without-engine.ts';
import { prisma6 } from './index.ts';

export { clientWithoutEngine } from './client-without-engine.ts';

/** Prisma 6.19, judged by the client engine of the same version. */
export function prisma6WithoutEngine(): PrismaVersion {
  const direct = prisma6();
  const packageFolder = dirname(fileURLToPath(import.meta.url));
  return clientWithoutEngine({ direct, version: direct.version, packageFolder });
}
