import { prisma6 } from '@postern/test-prisma-6';
import { prisma7 } from '@postern/test-prisma-7';
import { describeDifferences, oddSchema, writeDifferently } from '@postern/test-prisma-suite';
import { openGateway } from './open-gateway.ts';

/** Errors of the runtime itself have no code in-process, and over this protocol always one. */
const everywhere = { 'an array of arrays': 'P6000 instead of an Error without a code' };

/** The server's runtime is 7.10's, which knows more kinds of errors than the client's own. */
const inVersion6 = {
  ...everywhere,
  'P2003 restrict': 'a PrismaClientUnknownRequestError in-process',
  'a check constraint': 'P2039 instead of a PrismaClientUnknownRequestError',
  'invalid input for a type': 'P2039 instead of a PrismaClientUnknownRequestError',
  'P2023 a value that the enum does not have': 'an Error without a code in-process',
  'a failed statement makes the rest fail': 'P2039 instead of a PrismaClientUnknownRequestError',
};

for (const prisma of [prisma7, prisma6]) {
  for (const schema of [undefined, oddSchema]) {
    describeDifferences({
      title: `${prisma.name}, schema ${schema ?? 'public'}`,
      prisma,
      // A schema makes no list longer.
      isWanted: ({ isLarge }) => isLarge !== true || schema === undefined,
      exceptions: prisma === prisma6 ? inVersion6 : everywhere,
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
}

describeDifferences({
  title: 'prisma7, sessions that write everything differently',
  prisma: prisma7,
  exceptions: everywhere,
  isWanted: ({ isLarge }) => isLarge !== true,
  async open(version, database) {
    await writeDifferently(database);
    const { gateway, url } = await openGateway({ databaseUrl: database.url });
    return { client: version.openAccelerate(url), close: () => gateway.close(0) };
  },
});
