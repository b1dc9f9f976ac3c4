/** Where a client goes and as whom: its configuration, its connection string, `PG*` of the environment, defaults. */
import { usageError } from '../postern-error.ts';
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
  /** '' when none is given. */
  readonly port: string;
  readonly connectTimeoutMs: number;
  /** In the order node-postgres sends them. */
  readonly startup: readonly (readonly [string, string])[];
  /** Options of the connection string that only Postern understands. */
  readonly posternOptions: readonly (readonly [string, string])[];
  readonly hasTarget: boolean;
}

const startupKeys = [
  'application_name',
  'replication',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'options',
] as const;
/** Of libpq, and of no use to a server. */
const clientKeys =
  /^(ssl|channel_binding|connect_timeout|query_timeout|client_encoding|fallback_application_name|uselibpq|keepalives|host|port|user|password|dbname)/;
const defaultConnectTimeoutMs = 5_000;

/** The parts of a connection string, as a configuration. Throws a PosternError that does not repeat it. */
export function parseIntoClientConfig(text: string): ClientConfig {
  let url: URL;
  try {
    url = new URL(text.replace(/^postgres(ql)?:/, 'http:'));
  } catch {
    throw usageError(
      'Database connection string is not a valid URL; it must look like postgres://user:password@host/database',
    );
  }
  const { username, password, hostname, port, pathname, searchParams } = url;
  const part = (encoded: string): string | undefined => {
    try {
      return encoded ? decodeURIComponent(encoded) : undefined;
    } catch {
      return encoded;
    }
  };
  const config: Record<string, unknown> = {
    ...Object.fromEntries(searchParams),
    user: part(username),
    password: part(password),
    host: part(hostname),
    port: port ? Number(port) : undefined,
    database: part(pathname.slice(1)),
  };
  for (const key of Object.keys(config)) if (config[key] === undefined) delete config[key];
  return config;
}

export function resolveParameters(given: string | ClientConfig | undefined): ConnectionParameters {
  const config: ClientConfig = typeof given === 'string' ? { connectionString: given } : (given ?? {});
  const text = config.connectionString ?? defaults.connectionString;
  const parsed = (text ? parseIntoClientConfig(text) : {}) as ClientConfig & Record<string, unknown>;
  const all: ClientConfig & Record<string, unknown> = { ...config, ...parsed };
  // A password function beside a connection string is meant.
  if (typeof config.password === 'function') all.password = config.password;
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};
  const host = all.host || environment.PGHOST || defaults.host;
  const user = all.user || environment.PGUSER || defaults.user || '';
  const setting = (key: (typeof startupKeys)[number]): unknown =>
    all[key] ||
    (key === 'application_name' ? environment.PGAPPNAME : key === 'options' ? environment.PGOPTIONS : undefined) ||
    (key === 'application_name'
      ? defaults[key] || all.fallback_application_name
      : defaults[key as keyof typeof defaults]);
  const database = all.database || environment.PGDATABASE || defaults.database || user;
  const timeout = (parsed as Record<string, unknown>).connect_timeout;
  return {
    user,
    database,
    password: all.password ?? environment.PGPASSWORD ?? defaults.password,
    host,
    port: String(all.port ?? environment.PGPORT ?? ''),
    connectTimeoutMs:
      config.connectionTimeoutMillis ||
      (timeout === undefined ? defaultConnectTimeoutMs : Number(timeout) * 1000 || Infinity),
    startup: [
      ['user', user],
      ['database', database],
      ...startupKeys.flatMap((key) => {
        const value = setting(key);
        return value ? [[key, String(value)] as const] : [];
      }),
      ['client_encoding', 'UTF8'],
    ],
    posternOptions: Object.entries(parsed).flatMap(([key, value]) =>
      clientKeys.test(key) || key === 'database' || (startupKeys as readonly string[]).includes(key)
        ? []
        : [[key, String(value)] as const],
    ),
    hasTarget: Boolean(all.host || text || environment.PGHOST),
  };
}
