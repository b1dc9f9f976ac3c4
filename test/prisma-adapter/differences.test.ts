// Every operation of the suite, judged by the official adapter straight to Postgres.

import { configure } from '@postern/serverless';
import { PrismaPostern } from '@postern/prisma-adapter';
import { prisma6 } from '@postern/test-prisma-6';
import { prisma7 } from '@postern/test-prisma-7';
import { describeDifferences } from '@postern/test-prisma-suite';
import { WebSocket } from 'ws';
import { openGateway } from './open-gateway.ts';

configure({ webSocketConstructor: WebSocket });

const versions = [
  { prisma: prisma7, compatibility: '7.10' },
  { prisma: prisma6, compatibility: '6.16' },
] as const;

for (const { prisma, compatibility } of versions) {
  for (const transport of ['http', 'ws'] as const) {
    for (const schema of [undefined, 'shop']) {
      describeDifferences({
        title: `${prisma.name} over ${transport}, schema ${schema ?? 'public'}`,
        prisma,
        ...(schema === undefined ? {} : { schema }),
        async open(version, database) {
          const gateway = await openGateway(database);
          const adapter = new PrismaPostern({ connectionString: gateway.url(), transport, schema, compatibility });
          return { client: version.openAdapter(adapter), close: gateway.close };
        },
      });
    }
  }
}
