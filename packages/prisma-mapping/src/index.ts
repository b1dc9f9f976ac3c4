/** Prisma's values, arguments and errors ↔ Postgres', and what a text of SQL is read by. Pure functions for the driver adapter and the gateway. */

export { type ArgumentType, encodeArgument } from './argument.ts';
export { ColumnType, columnTypeOf } from './column-type.ts';
export {
  type ConnectionCauseOptions,
  type ConnectionPhase,
  connectionCause,
  httpStatusCause,
} from './connection-cause.ts';
export {
  type DatabaseCauseOptions,
  databaseCause,
  type PostgresErrorFields,
  type PrismaRuntimeLevel,
} from './database-cause.ts';
export { endOfComment } from './end-of-comment.ts';
export { DriverAdapterError, type ErrorCause, isDriverAdapterError, type MappedError } from './error-cause.ts';
export { connectLater, type GatewayFetchOptions, gatewayFetch } from './gateway-fetch.ts';
export { beginStatement, isIsolationLevel, type PrismaIsolationLevel } from './isolation.ts';
export { type ResultValue, type ResultValueOptions, type ValueDecoder, valueDecoder } from './result-value.ts';
export { typeName } from './type-name.ts';
