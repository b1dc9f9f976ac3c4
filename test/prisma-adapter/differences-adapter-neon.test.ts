// The official serverless adapter through the gateway, judged as our own is.

import { neonConfig } from '@neondatabase/serverless';
import { prisma6 } from '@postern/test-prisma-6';
import { prisma7 } from '@postern/test-prisma-7';
import { describeDifferences, oddSchema, searchPathOption } from '@postern/test-prisma-suite';
import { PrismaNeon } from '@prisma/adapter-neon';
import { PrismaNeon as PrismaNeon6 } from 'adapter-neon-6';
import { WebSocket } from 'ws';
import { openGateway } from './open-gateway.ts';

neonConfig.webSocketConstructor = WebSocket;
neonConfig.useSecureWebSocket = false;

/** Its own, wherever it is connected to. */
const noTimestamptzArray = {
  'every column type, written and read back': 'it does not know timestamptz[]',
  'every column type, read': 'it does not know timestamptz[]',
  'NULL in every column': 'it does not know timestamptz[]',
  'raw query of every column type': 'it does not know timestamptz[]',
  'an array of times with an offset': 'it does not know timestamptz[]',
  'dates that never come': 'it does not know timestamptz[]',
};
const otherWords = {
  'P2002 unique': 'it names the fields, adapter-pg the constraint',
  'P2002 unique, of a createMany': 'it names the fields, adapter-pg the constraint',
  'P2002 unique, nested': 'it names the fields, adapter-pg the constraint',
  'P2021 a missing table, P2022 a missing column': 'it misses the name of the column',
  'a list of steps, the last of which fails': 'it names the fields, adapter-pg the constraint',
  'interactive, rolled back by an error of the database': 'it names the fields, adapter-pg the constraint',
};

const versions = [
  { prisma: prisma7, Adapter: PrismaNeon, exceptions: { ...noTimestamptzArray, ...otherWords } },
  { prisma: prisma6, Adapter: PrismaNeon6, exceptions: noTimestamptzArray },
] as const;

const runs = versions.flatMap((version) => [undefined, oddSchema].map((schema) => ({ ...version, schema })));

for (const { prisma, Adapter, schema, exceptions } of runs) {
  describeDifferences({
    title: `${prisma.name} with adapter-neon, schema ${schema ?? 'public'}`,
    prisma,
    exceptions,
    isWanted: ({ isLarge }) => schema === undefined || isLarge !== true,
    ...(schema === undefined ? {} : { schema }),
    async open(version, database) {
      const gateway = await openGateway(database);
      neonConfig.wsProxy = () => `127.0.0.1:${gateway.port}/v2`;
      // Its raw queries ignore its schema option.
      const path = schema === undefined ? '' : `?options=${encodeURIComponent(searchPathOption(schema))}`;
      const adapter = new Adapter({ connectionString: gateway.url(path) }, schema === undefined ? {} : { schema });
      return { client: version.openAdapter(adapter), close: gateway.close };
    },
  });
}
