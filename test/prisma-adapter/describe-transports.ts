import { PrismaPostern, type PrismaRuntimeLevel } from '@postern/prisma-adapter';
import { configure } from '@postern/serverless';
import { describeDifferences, type PrismaVersion } from '@postern/test-prisma-suite';
import { WebSocket } from 'ws';
import { openGateway } from './open-gateway.ts';

export interface TransportsOptions {
  readonly prisma: () => PrismaVersion;
  readonly compatibility: PrismaRuntimeLevel;
  readonly exceptions?: Readonly<Record<string, string>>;
}

/** Every operation over both transports in two schemas, judged by the official adapter straight to Postgres. */
export function describeTransports({ prisma, compatibility, exceptions = {} }: TransportsOptions): void {
  configure({ webSocketConstructor: WebSocket });
  for (const transport of ['http', 'ws'] as const) {
    for (const schema of [undefined, 'shop']) {
      describeDifferences({
        title: `${prisma.name} over ${transport}, schema ${schema ?? 'public'}`,
        prisma,
        exceptions,
        // A schema makes no list longer.
        isWanted: ({ name }) => schema === undefined || !/\d 000/.test(name),
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
