/** `@postern/serverless/http`: queries over HTTP, without any code of the Postgres protocol. */
export {
  type Configuration,
  configure,
  type FetchEndpoint,
  type FetchFunction,
  neonConfig,
} from './config.ts';
export type { InteractiveOptions, TransactionFunction } from './http/interactive.ts';
export type { CacheOptions, ConnectionParameters, HTTPQueryOptions, HTTPTransactionOptions } from './http/options.ts';
export {
  type NeonQueryFunction,
  type NeonQueryFunctionInTransaction,
  type NeonQueryInTransaction,
  postern,
  postern as neon,
  type QueryResults,
} from './http/query-function.ts';
export { NeonQueryPromise } from './http/query-promise.ts';
export type { AnyRow, FullQueryResults, QueryRows } from './http/results.ts';
export type { StreamFunction } from './http/stream.ts';
export { type FragmentHelpers, type ParameterizedQuery, SqlTemplate, UnsafeRawSql } from './http/template.ts';
export {
  type ErrorDetails,
  type ErrorKind,
  type GatewayErrorCode,
  PosternError,
  PosternError as NeonDbError,
} from './postern-error.ts';
export type { FieldDef } from './values/rows.ts';
export { type CustomTypes, type TypeParser, type Types, types } from './values/types.ts';
