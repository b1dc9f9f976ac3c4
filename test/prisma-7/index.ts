import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPrismaVersion, type PrismaVersion } from '@postern/test-prisma-suite';
import { PrismaPg } from '@prisma/adapter-pg';
import { withAccelerate } from '@prisma/extension-accelerate';

/** Prisma 7.10: the client engine is the only one. */
export function prisma7(): PrismaVersion {
  return createPrismaVersion({
    packageFolder: dirname(fileURLToPath(import.meta.url)),
    version: '7.10.0',
    PrismaPg,
    withAccelerate: (options) => withAccelerate(options as Parameters<typeof withAccelerate>[0]),
  });
}
