// What the options of a connection string or start-up packet mean to the gateway. The same for every transport: the
// URL of the HTTP header, WebSocket and TCP start-up parameters, and words inside `options=`.
// Gateway options are consumed here and never reach Postgres; everything unknown is a setting of Postgres.

import { GatewayError } from './gateway-error.ts';
import { joinStartUpWords, parseStartUpSwitches } from './start-up-switches.ts';

/** The options that steer the gateway itself. Absent: the operator's default applies. */
export interface GatewayOptions {
  /** true: server connections are shared between transactions; false: one is kept for the session. */
  readonly pooled?: boolean;
  /** Server connections this group of callers may use at once, at least 1. */
  readonly connectionLimit?: number;
  /** Longest wait for a server connection; 0 = no limit. */
  readonly poolTimeoutMs?: number;
  /** Longest time to reach Postgres, waking it included; 0 = no limit. */
  readonly connectTimeoutMs?: number;
  /** The endpoint, when it is not named by the host. */
  readonly endpoint?: string;
  /** An API key of the gateway. A secret. */
  readonly apiKey?: string;
}

/** Start-up parameters sorted by who they are for. */
export interface SplitOptions {
  readonly gateway: GatewayOptions;
  /**
   * Settings for the session, by the name they were given (`application_name`, `statement_timeout`, `search_path` …),
   * `-c` and `--` switches of `options` included. `options` itself is left only with switches that are not settings.
   */
  readonly startup: ReadonlyMap<string, string>;
  /** Names of options that mean something to client libraries only. */
  readonly ignored: readonly string[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Read = (name: string, value: string, so: Readonly<GatewayOptions>) => GatewayOptions;

const maxSeconds = 86_400;
const maxConnectionLimit = 10_000;

/** The table: option name (lower case) → what its value adds to the options read `so` far. */
const gatewayOptions: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['pooled', (name, value) => ({ pooled: parseBoolean(name, value) })],
  // Prisma's name for "there is a pooler in between". Only `true` says something, and `pooled` wins over it.
  ['pgbouncer', (name, value, so) => (parseBoolean(name, value) ? { pooled: so.pooled ?? true } : {})],
  ['connection_limit', (name, value) => ({ connectionLimit: parseConnectionLimit(name, value) })],
  ['pool_timeout', (name, value) => ({ poolTimeoutMs: parseSeconds(name, value) })],
  ['connect_timeout', (name, value) => ({ connectTimeoutMs: parseSeconds(name, value) })],
  ['project', (name, value, so) => ({ endpoint: so.endpoint ?? parseName(name, value) })],
  ['endpoint', (name, value) => ({ endpoint: parseName(name, value) })],
  ['api_key', (name, value) => ({ apiKey: parseSecret(name, value) })],
]);

/**
 * Client-side options of libpq, node-postgres, Prisma, JDBC, pgx and others: they arrive because some drivers send what they
 * do not know.
 */
const ignoredOptions: ReadonlySet<string> = new Set(
  `host hostaddr port dbname password passfile service servicefile sslmode ssl sslnegotiation sslcompression sslcert sslkey
  sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni sslaccept sslidentity requiressl
  requirepeer require_auth ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version
  channel_binding gssencmode gssdelegation gsslib krbsrvname target_session_attrs load_balance_hosts keepalives
  keepalives_idle keepalives_interval keepalives_count tcp_user_timeout socket_timeout statement_cache_size
  max_connection_lifetime max_idle_connection_lifetime single_use_connections uselibpqcompat pool_min_conns
  pool_max_conns pool_max_conn_lifetime pool_max_conn_idle_time default_query_exec_mode statement_cache_capacity
  description_cache_capacity query_timeout keepalive keepaliveinitialdelaymillis connectiontimeoutmillis
  idletimeoutmillis enablechannelbinding maxuses maxlifetimeseconds allowexitonidle max min binary native encoding charset
  idle_timeout max_lifetime prepare pool_size supa workaround`.split(/\s+/),
);

/** Dealt with by whoever read them; neither a setting nor worth a mention. */
const identityParameters: ReadonlySet<string> = new Set(['user', 'database']);

/**
 * Sorts start-up parameters (or the query part of a connection string) into gateway options, settings and the rest.
 * A parameter of its own wins over the same name inside `options`. Throws a GatewayError (`invalid_connection_option`)
 * that names option, value and what is allowed.
 */
export function splitOptions(parameters: ReadonlyMap<string, string>): SplitOptions {
  const inOptions: Mutable<GatewayOptions> = {};
  const ofTheirOwn: Mutable<GatewayOptions> = {};
  const startup = createSettings();
  const ignored = new Set<string>();
  const leftOver: string[] = [];

  // First what `options` says, so that parameters of their own overwrite it.
  for (const word of parseStartUpSwitches(parameters.get('options') ?? '')) {
    if (word.kind === 'other') leftOver.push(...(/^neon_\w+:/.test(word.text) ? [] : [word.text]));
    else if (!consume(word.name, word.value, inOptions, startup, ignored)) {
      if (word.kind === 'setting') startup.set(word.name, word.value);
      else leftOver.push(word.text);
    }
  }
  for (const [name, value] of parameters) {
    if (name === 'options' || identityParameters.has(name)) continue;
    if (!consume(name, value, ofTheirOwn, startup, ignored)) startup.set(name, value);
  }
  if (leftOver.length > 0) startup.set('options', joinStartUpWords(leftOver));
  return { gateway: { ...inOptions, ...ofTheirOwn }, startup: startup.finish(), ignored: [...ignored] };
}

/**
 * The search_path that `schema=a` stands for: one schema, whatever characters it has (a list is not meant), and behind it
 * `public`, where the functions and operators of extensions usually are. Without citext's, say, `=` compares as text.
 */
export function searchPathOf(schema: string): string {
  const quoted = `"${schema.replaceAll('"', '""')}"`;
  return schema === 'public' ? quoted : `${quoted}, public`;
}

function consume(
  name: string,
  value: string,
  gateway: Mutable<GatewayOptions>,
  startup: Settings,
  ignored: Set<string>,
): boolean {
  const key = name.toLowerCase();
  if (name.includes('\0') || value.includes('\0')) throw refuse(key, value, 'text without NUL characters');
  const read = gatewayOptions.get(key);
  if (read) Object.assign(gateway, read(key, value, gateway));
  else if (key === 'schema' || key === 'currentschema') startup.setDefault('search_path', searchPathOf(value));
  else if (key === 'fallback_application_name') startup.setDefault('application_name', value);
  // Which is no replication, and no setting either.
  else if (key === 'replication' && /^(false|off|no|0)$/i.test(value)) ignored.add(name);
  else if (ignoredOptions.has(key) || key.startsWith('_pq_.') || key.startsWith('neon_')) ignored.add(name);
  else return false;
  return true;
}

/** Settings by name without regard to case, as in Postgres; defaults give way to explicit ones whatever the order. */
interface Settings {
  set(name: string, value: string): void;
  setDefault(name: string, value: string): void;
  finish(): ReadonlyMap<string, string>;
}

function createSettings(): Settings {
  const explicit = new Map<string, [name: string, value: string]>();
  const defaults = new Map<string, [name: string, value: string]>();
  return {
    set: (name, value) => void explicit.set(name.toLowerCase(), [name, value]),
    setDefault: (name, value) => void defaults.set(name.toLowerCase(), [name, value]),
    finish: () => new Map(new Map([...defaults, ...explicit]).values()),
  };
}

function parseBoolean(name: string, value: string): boolean {
  const lower = value.toLowerCase();
  if (['true', 'on', 'yes', '1'].includes(lower)) return true;
  if (['false', 'off', 'no', '0'].includes(lower)) return false;
  throw refuse(name, value, 'true or false');
}

function parseConnectionLimit(name: string, value: string): number {
  const limit = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > maxConnectionLimit)
    throw refuse(name, value, `a whole number from 1 to ${maxConnectionLimit}`);
  return limit;
}

function parseSeconds(name: string, value: string): number {
  const seconds = /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
  if (!(seconds <= maxSeconds)) throw refuse(name, value, `a number of seconds from 0 to ${maxSeconds} (0 = no limit)`);
  // Something above zero must not become "no limit" by rounding.
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 1000));
}

function parseName(name: string, value: string): string {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(value)) throw refuse(name, value, 'a name of letters, digits, "-", "_" and "."');
  return value.toLowerCase();
}

function parseSecret(name: string, value: string): string {
  if (value === '') throw refuse(name, value, 'an API key');
  return value;
}

function refuse(name: string, value: string, allowed: string): GatewayError {
  const shown = value.length > 40 ? `${value.slice(0, 40)}…` : value;
  return new GatewayError(
    'invalid_connection_option',
    `connection option "${name}" has the value ${JSON.stringify(shown)}; allowed: ${allowed}`,
  );
}
