/** Where a client goes and as whom: its configuration, its connection string, `PG*` of the environment, defaults. */
import { connectTimeoutMs, parseConnectionString } from '../http/connection.ts';
import type { CustomTypes } from '../values/types.ts';
import { defaults } from './defaults.ts';

export interface ClientConfig {
  user?: string | undefined;
  database?: string | undefined;
  /** A function is called for each attempt to connect. */
  password?: string | (() => string | Promise<string>) | null | undefined;
  port?: number | undefined;
  host?: string | undefined;
  connectionString?: string | undefined;
  /** Ask the server for a sign of life while idle. Default false. */
  keepAlive?: boolean | undefined;
  /** How long a silence before. Default 30 s. */
  keepAliveInitialDelayMillis?: number | undefined;
  statement_timeout?: number | false | undefined;
  lock_timeout?: number | false | undefined;
  idle_in_transaction_session_timeout?: number | false | undefined;
  /** A query that takes longer is cancelled on the server. Default: none. */
  query_timeout?: number | false | undefined;
  /** For the whole of `connect()`, repetitions included. Default: `connect_timeout` of the connection string, else 5 s. */
  connectionTimeoutMillis?: number | undefined;
  application_name?: string | undefined;
  fallback_application_name?: string | undefined;
  types?: CustomTypes | undefined;
  options?: string | undefined;
  /** Accepted and ignored: a WebSocket has its own TLS. */
  ssl?: unknown;
  client_encoding?: string | undefined;
  replication?: string | undefined;
  /** Results in binary format, for which you set the parsers. */
  binary?: boolean | undefined;
}

export interface ConnectionParameters {
  readonly user: string;
  readonly database: string;
  readonly password: ClientConfig['password'];
  readonly host: string;
  readonly port: string;
  readonly connectTimeoutMs: number;
  /** 0: none. */
  readonly queryTimeoutMs: number;
  /** Names and values in turn, in the order node-postgres sends them. */
  readonly startup: readonly string[];
  /** Options of the connection string that only Postern understands, in the same way. */
  readonly posternOptions: readonly string[];
  readonly hasTarget: boolean;
}

/** Also sent to the server, if they are given. */
const startupKeys = [
  'application_name',
  'replication',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'options',
];

/** The parts of a connection string, as a configuration. Throws a PosternError that does not repeat it. */
export function parseIntoClientConfig(text: string): ClientConfig {
  // Any scheme, as in node-postgres.
  const url = parseConnectionString(text.replace(/^\w+:/, 'postgres:'));
  const config: Record<string, unknown> = Object.fromEntries(url.searchParams);
  const parts = { user: url.username, password: url.password, host: url.hostname, database: url.pathname.slice(1) };
  for (const [name, part] of Object.entries(parts)) {
    if (!part) continue;
    config[name] = part;
    try {
      config[name] = decodeURIComponent(part);
    } catch {
      // Not everybody escapes a %.
    }
  }
  if (url.port) config.port = Number(url.port);
  return config;
}

/** In whole milliseconds, and not more than a timer can wait. */
export function clampTimeout(ms: number | string): number {
  return Math.min(Math.ceil(Number(ms)), 2 ** 31 - 1);
}

export function resolveParameters(given: string | ClientConfig | undefined): ConnectionParameters {
  const config: ClientConfig = typeof given === 'string' ? { connectionString: given } : (given ?? {});
  const text = config.connectionString ?? defaults.connectionString;
  const parsed = (text ? parseIntoClientConfig(text) : {}) as Record<string, unknown>;
  // The password of a pool's options is there, but not enumerable.
  const all: Record<string, unknown> = { ...config, password: config.password, ...parsed };
  // A password function beside a connection string is meant.
  if (typeof config.password === 'function') all.password = config.password;
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};
  const pick = (key: string): unknown =>
    all[key] ||
    environment[`PG${key.replace('application_', 'app').toUpperCase()}`] ||
    defaults[key as 'user'] ||
    all[`fallback_${key}`];
  const user = String(pick('user') || '');
  const database = String(pick('database') || user);
  return {
    user,
    database,
    password: pick('password') as ClientConfig['password'],
    host: String(pick('host')),
    port: String(pick('port')),
    connectTimeoutMs: config.connectionTimeoutMillis || connectTimeoutMs(parsed.connect_timeout),
    queryTimeoutMs: Number(pick('query_timeout')) || 0,
    startup: [
      ...['user', user, 'database', database],
      ...startupKeys.flatMap((key) => {
        const value = pick(key);
        return value ? [key, String(value)] : [];
      }),
      ...['client_encoding', 'UTF8'],
    ],
    posternOptions: Object.entries(parsed).flatMap(([key, value]) =>
      // Of libpq, and of no use to a server.
      /^(ssl|channel_binding|connect_timeout|query_timeout|client_encoding|fallback_app|uselibpq|keepalives|host|port|user|password|database|dbname)/.test(
        key,
      ) || startupKeys.includes(key)
        ? []
        : [key, String(value)],
    ),
    hasTarget: Boolean(all.host || text || environment.PGHOST),
  };
}
