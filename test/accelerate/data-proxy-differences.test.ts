import { prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { describeDifferences } from '@postern/test-prisma-suite';
import { openGateway } from './open-gateway.ts';

/** The runtime here is 7.10's, and no error crosses the wire as the class it was. */
const exceptions = {
  'an array of arrays': 'a PrismaClientUnknownRequestError instead of an Error',
  'P2003 restrict': 'a DriverAdapterError in-process, whose runtime does not know SQLSTATE 23001',
  'a check constraint': 'a PrismaClientUnknownRequestError instead of a DriverAdapterError',
  'invalid input for a type': 'a PrismaClientUnknownRequestError instead of a DriverAdapterError',
  'P2023 a value that the enum does not have': 'an Error without a code in-process',
};

for (const schema of [undefined, 'shop']) {
  describeDifferences({
    title: `Prisma 6 without an engine, schema ${schema ?? 'public'}`,
    prisma: prisma6WithoutEngine,
    exceptions,
    ...(schema === undefined ? {} : { schema }),
    async open(version, database) {
      const { gateway, url } = await openGateway({
        databaseUrl: database.url,
        keys: [schema === undefined ? {} : { schema }],
      });
      return { client: version.openAccelerate(url), close: () => gateway.close(0) };
    },
  });
}
