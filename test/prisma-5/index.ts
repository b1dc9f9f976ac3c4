import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prisma6 } from '@postern/test-prisma-6';
import { clientWithoutEngine } from '@postern/test-prisma-6/without-engine';
import type { PrismaVersion } from '@postern/test-prisma-suite';

/** The last of Prisma 5, which no adapter of today fits: judged by Prisma 6, with which it shares its results. */
export function prisma5WithoutEngine(): PrismaVersion {
  const packageFolder = dirname(fileURLToPath(import.meta.url));
  return clientWithoutEngine({ direct: prisma6(), version: '5.22.0', packageFolder });
}
