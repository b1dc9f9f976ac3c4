// What a typed program written for the official driver may say. Checked against its types, and against ours in their place.
import {
  Client,
  type ClientBase,
  type ClientConfig,
  type ConnectionConfig,
  type CustomTypesConfig,
  DatabaseError,
  type Defaults,
  defaults,
  type FetchEndpointOptions,
  type FieldDef,
  type FullQueryResults,
  type HTTPQueryOptions,
  type HTTPTransactionOptions,
  type NeonConfig,
  type NeonConfigGlobalAndClient,
  type NeonConfigGlobalOnly,
  NeonDbError,
  type NeonQueryFunction,
  type NeonQueryFunctionInTransaction,
  type NeonQueryInTransaction,
  NeonQueryPromise,
  type Notification,
  neon,
  neonConfig,
  type ParameterizedQuery,
  Pool,
  type PoolClient,
  type PoolConfig,
  type ProcessQueryResultOptions,
  parseIntoClientConfig,
  type QueryArrayConfig,
  type QueryArrayResult,
  type QueryConfig,
  type QueryResult,
  type QueryResultBase,
  type QueryResultRow,
  type QueryRows,
  SqlTemplate,
  type Submittable,
  types,
  UnsafeRawSql,
  type WebSocketConstructor,
  type WebSocketLike,
} from '@neondatabase/serverless';
import { drizzle as drizzleHttp } from 'drizzle-orm/neon-http';
import { drizzle as drizzleWebSocket } from 'drizzle-orm/neon-serverless';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { Kysely, PostgresDialect } from 'kysely';
import { WebSocket } from 'ws';

const url = 'postgres://user:password@host/database';
const numbers = pgTable('numbers', { n: integer() });

neonConfig.webSocketConstructor = WebSocket;
neonConfig.wsProxy = (host) => `${host}/v1`;
neonConfig.wsProxy = 'proxy.example.com/v1';
neonConfig.fetchEndpoint = (host, port, options) => `https://${host}:${port}/${options?.jwtAuth ?? false}`;
neonConfig.fetchFunction = async (target: string, init: RequestInit) => fetch(target, init);
neonConfig.poolQueryViaFetch = true;
neonConfig.pipelineConnect = false;
neonConfig.useSecureWebSocket = false;
types.setTypeParser(types.builtins.INT8 ?? 20, (text) => BigInt(text));
types.setTypeParser(1700, 'text', Number);
defaults.application_name = 'typed';

export async function overHttp(): Promise<unknown[]> {
  const sql: NeonQueryFunction<false, false> = neon(url, { fetchOptions: { priority: 'high' } });
  const whole: NeonQueryFunction<true, true> = neon(url, { arrayMode: true, fullResults: true });
  const options: HTTPQueryOptions<true, true> = { arrayMode: true, fullResults: true, types };
  const rows: QueryRows<false> = await sql`SELECT ${1} AS n`;
  const result = await sql.query('SELECT $1', [1], options);
  const { fields, rowCount, command }: FullQueryResults<true> = await whole`SELECT 1`;
  const settings: HTTPTransactionOptions<false, false> = { isolationLevel: 'Serializable', readOnly: true };
  const [first] = await sql.transaction([sql`SELECT 1`, sql`SELECT 2`], settings);
  await sql.transaction((tx: NeonQueryFunctionInTransaction<false, false>) => [tx`SELECT 1`, tx.query('SELECT 2')]);
  const query = sql`SELECT ${sql.unsafe('now()')}`;
  if (query instanceof NeonQueryPromise && query.queryData instanceof SqlTemplate) {
    const text: ParameterizedQuery = query.queryData.toParameterizedQuery();
    const inTransaction: NeonQueryInTransaction = query;
    return [text.query, text.params, inTransaction, new UnsafeRawSql('x').sql];
  }
  const functions = neon({ host: 'host', user: async () => 'user', password: () => 'password', database: 'database' });
  const token = neon(url, { authToken: async () => 'jwt' });
  return [rows[0]?.n, result.rows, result.fields[0]?.dataTypeID, fields, rowCount, command, first, functions, token];
}

export async function overWebSocket(): Promise<unknown> {
  const config: PoolConfig = { connectionString: url, max: 3, idleTimeoutMillis: 1000 };
  const pool = new Pool({ ...parseIntoClientConfig(url), ...config, password: async () => 'password' });
  pool.on('error', (error: Error) => console.error(error.message));
  pool.on('connect', (client: PoolClient) => void client.query('SET search_path = public'));
  const client: PoolClient = await pool.connect();
  try {
    const text: QueryConfig = { text: 'SELECT $1::int AS n', values: [1], name: 'named' };
    const named: QueryResult<{ n: number }> = await client.query<{ n: number }>(text);
    const array: QueryArrayConfig = { text: 'SELECT 1', rowMode: 'array' };
    const arrays = await client.query(array);
    client.query('SELECT 1', (error: Error, answer: QueryResult) => console.log(error, answer.rows.length));
    return [named.rows[0]?.n.toFixed(), named.rowCount, arrays.rows];
  } catch (error) {
    if (error instanceof DatabaseError) return [error.code, error.detail, error.constraint, error.length];
    if (error instanceof NeonDbError) return [error.code, error.position, error.sourceError?.message];
    throw error;
  } finally {
    client.release();
    await pool.end();
  }
}

export async function client(given: ClientConfig): Promise<void> {
  const one = new Client(given);
  one.neonConfig.wsProxy = (host: string) => host;
  one.on('notification', (message: Notification) => console.log(message.channel, message.payload));
  one.on('notice', (notice) => console.log(notice.message));
  await one.connect();
  await one.query('LISTEN channel');
  console.log(one.escapeIdentifier('a'), one.escapeLiteral('b'));
  await one.end();
}

export function libraries(): unknown[] {
  const pool = new Pool({ connectionString: url });
  const http = drizzleHttp({ client: neon(url) });
  const webSocket = drizzleWebSocket({ client: pool });
  const kysely = new Kysely<{ numbers: { n: number } }>({ dialect: new PostgresDialect({ pool }) });
  return [http.select().from(numbers), webSocket.select().from(numbers), kysely.selectFrom('numbers').selectAll()];
}

export interface Names {
  readonly clientBase: ClientBase;
  readonly connection: ConnectionConfig;
  readonly types: CustomTypesConfig;
  readonly defaults: Defaults;
  readonly endpoint: FetchEndpointOptions;
  readonly field: FieldDef;
  readonly settings: NeonConfig;
  readonly both: NeonConfigGlobalAndClient;
  readonly global: NeonConfigGlobalOnly;
  readonly process: ProcessQueryResultOptions;
  readonly arrays: QueryArrayResult;
  readonly base: QueryResultBase;
  readonly row: QueryResultRow;
  readonly submittable: Submittable;
  readonly constructor: WebSocketConstructor;
  readonly socket: WebSocketLike;
}
