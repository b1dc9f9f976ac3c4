import { PrismaPostern, type PrismaRuntimeLevel } from '@postern/prisma-adapter';
import { configure } from '@postern/serverless';
import {
  describeDifferences,
  type Operation,
  oddSchema,
  type PrismaVersion,
  writeDifferently,
} from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { WebSocket } from 'ws';
import { openGateway } from './open-gateway.ts';

export interface TransportsOptions {
  readonly title: string;
  readonly prisma: () => PrismaVersion;
  readonly compatibility: PrismaRuntimeLevel;
  /** Default: all operations. */
  isWanted?(operation: Operation): boolean;
  readonly exceptions?: Readonly<Record<string, string>>;
}

interface Circumstances {
  readonly name: string;
  readonly schema?: string;
  prepare?(database: TestDatabase): Promise<void>;
}

const circumstances: readonly Circumstances[] = [
  { name: 'schema public' },
  { name: 'an odd schema', schema: oddSchema },
  { name: 'sessions that write everything differently', prepare: writeDifferently },
];

/** Every operation over both transports, judged by the official adapter straight to Postgres. */
export function describeTransports(options: TransportsOptions): void {
  const { title, prisma, compatibility, isWanted = () => true, exceptions = {} } = options;
  configure({ webSocketConstructor: WebSocket });
  for (const transport of ['http', 'ws'] as const) {
    for (const { name, schema, prepare } of circumstances) {
      describeDifferences({
        title: `${title} over ${transport}, ${name}`,
        prisma,
        exceptions,
        // Neither makes a list longer.
        isWanted: (operation) => isWanted(operation) && (operation.isLarge !== true || name === circumstances[0]?.name),
        ...(schema === undefined ? {} : { schema }),
        async open(version, database) {
          await prepare?.(database);
          const gateway = await openGateway(database);
          const adapter = new PrismaPostern({ connectionString: gateway.url(), transport, schema, compatibility });
          return { client: version.openAdapter(adapter), close: gateway.close };
        },
      });
    }
  }
}
