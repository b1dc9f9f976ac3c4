/** Types under the names they have in `@neondatabase/serverless` and `pg`, for programs that import those. */
import type { Configuration } from './config.ts';
import type { Client, QueryResult } from './pg/client.ts';
import type { ClientConfig } from './pg/connection-parameters.ts';
import type { ChannelNotification } from './pg/listen.ts';
import type { QueryConfig } from './pg/query.ts';
import type { Result } from './pg/result.ts';
import type { FieldDef } from './values/rows.ts';
import type { CustomTypes } from './values/types.ts';

export type NeonConfig = Configuration;
type GlobalOnly = 'fetchEndpoint' | 'poolQueryViaFetch' | 'fetchConnectionCache' | 'fetchFunction';
export type NeonConfigGlobalOnly = Pick<Configuration, GlobalOnly>;
export type NeonConfigGlobalAndClient = Omit<Configuration, GlobalOnly>;

export interface FetchEndpointOptions {
  jwtAuth?: boolean;
}

export interface ProcessQueryResultOptions {
  arrayMode: boolean;
  fullResults: boolean;
  types?: CustomTypes;
}

export type ClientBase = Client;
export type ConnectionConfig = ClientConfig;
export type CustomTypesConfig = CustomTypes;
export type Notification = ChannelNotification;

/** A row of no particular type. */
export type QueryResultRow = Record<string, unknown>;

export interface QueryArrayConfig<Values = readonly unknown[]> extends QueryConfig<Values> {
  rowMode: 'array';
}

export type QueryResultBase = Omit<QueryResult, 'rows'>;
export type QueryArrayResult<Row extends unknown[] = unknown[]> = Result<Row>;
export type ResultBuilder<Row = QueryResultRow> = Result<Row>;

/** Of `Connection`. */
export interface MessageConfig {
  type: string;
  name?: string | undefined;
}

export interface ExecuteConfig {
  portal?: string | undefined;
  rows?: number | undefined;
}

export type { BindConfig, ParseConfig as QueryParse } from './ws/connection.ts';
export type { FieldDef };
