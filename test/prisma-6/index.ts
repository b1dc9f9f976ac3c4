import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPrismaVersion, type PrismaVersion } from '@postern/test-prisma-suite';
import { PrismaPg } from '@prisma/adapter-pg';
import { withAccelerate } from '@prisma/extension-accelerate';

/** Prisma 6.19 with the client engine: queries are compiled in the client, as in 7. */
export function prisma6(): PrismaVersion {
  return createPrismaVersion({
    packageFolder: dirname(fileURLToPath(import.meta.url)),
    version: '6.19.3',
    PrismaPg,
    withAccelerate: (options) => withAccelerate(options as Parameters<typeof withAccelerate>[0]),
  });
}
