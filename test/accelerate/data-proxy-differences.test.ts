import { prisma5WithoutEngine } from '@postern/test-prisma-5';
import { prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { describeDifferences } from '@postern/test-prisma-suite';
import { afterAll, beforeAll } from 'vitest';
import { testCertificate } from '../../packages/gateway/src/node/certificate.fixture.ts';
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

// Version 5 speaks https only, to a certificate that is nobody's.
beforeAll(() => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
});
afterAll(() => {
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
});

describeDifferences({
  title: 'Prisma 5 without an engine',
  prisma: prisma5WithoutEngine,
  exceptions: {
    ...exceptions,
    omit: 'a preview feature in version 5',
    updateManyAndReturn: 'not there in version 5',
    'P2025 findUniqueOrThrow': 'a NotFoundError of the client’s own',
  },
  async open(version, database) {
    const { gateway, url } = await openGateway({ databaseUrl: database.url, settings: { tls: testCertificate } });
    const client = version.openAccelerate(url.replace('prisma+postgres://', 'prisma://'));
    return { client, close: () => gateway.close(0) };
  },
});
