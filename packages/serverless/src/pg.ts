/** `@postern/serverless/pg`: node-postgres over WebSockets, for libraries that want `pg`. */
export type { Configuration, WebSocketConstructor, WebSocketLike } from './config.ts';
export { configure, neonConfig } from './config.ts';
export { quoteIdentifier as escapeIdentifier } from './http/template.ts';
export type * from './official-names.ts';
export { Client, type QueryResult } from './pg/client.ts';
export { type ClientConfig, parseIntoClientConfig } from './pg/connection-parameters.ts';
export { DatabaseError } from './pg/database-error.ts';
export { type Defaults, defaults } from './pg/defaults.ts';
export { escapeLiteral } from './pg/escape-literal.ts';
export type { ChannelNotification } from './pg/listen.ts';
export { Pool, type PoolClient, type PoolConfig } from './pg/pool.ts';
export { Query, type QueryCallback, type QueryConfig, type Submittable } from './pg/query.ts';
export { Result } from './pg/result.ts';
export { type PgTypes, pgTypes as types, TypeOverrides } from './pg/types.ts';
export { PosternError } from './postern-error.ts';
export { Connection, errorFields } from './ws/connection.ts';
