/** `@postern/prisma-adapter`: Prisma's driver adapter for Postern, and what `withAccelerate()` needs in front of a gateway. */

export {
  connectLater,
  type GatewayFetchOptions,
  gatewayFetch,
  type PrismaRuntimeLevel,
} from '@postern/prisma-mapping';
export type {
  ConnectionInfo,
  IsolationLevel,
  SqlDriverAdapter,
  SqlMigrationAwareDriverAdapterFactory,
  SqlQuery,
  SqlResultSet,
  Transaction,
} from './driver-adapter.ts';
export { PrismaPostern, type PrismaPosternConfig, type PrismaPosternOptions } from './prisma-postern.ts';
