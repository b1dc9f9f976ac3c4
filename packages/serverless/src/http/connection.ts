/** Who, where, as what: the connection string of one request. Texts of errors never hold any part of it. */
import { usageError } from '../postern-error.ts';
import type { ConnectionParameters } from './options.ts';

export interface Connection {
  /** Normalised: visible ASCII, fit for a header. */
  readonly connectionString: string;
  readonly host: string;
  /** '' when none is given. */
  readonly port: string;
  /** What must not appear anywhere. */
  readonly secret: string;
  readonly connectTimeoutMs: number;
}

const partOf = {
  user: 'username',
  username: 'username',
  password: 'password',
  host: 'hostname',
  hostname: 'hostname',
  port: 'port',
  database: 'pathname',
} as const;
const defaultConnectTimeoutMs = 5_000;

const invalid = 'Database connection string is not valid: it must look like postgres://user:password@host/database';

async function computed<Value>(value: Value | (() => Value | Promise<Value>)): Promise<Value> {
  return typeof value === 'function' ? (value as () => Promise<Value>)() : value;
}

/** Puts the parts together, calling those that are functions. */
export async function resolveConnection(
  text: string | undefined,
  parameters: ConnectionParameters,
): Promise<Connection> {
  const given = await computed(parameters.connectionString ?? text ?? 'postgres://-');
  const rest = /^postgres(?:ql)?:(.+)/.exec(given)?.[1];
  // With the rules of http URLs the parser escapes what a header cannot carry. Its errors would quote the password.
  if (!URL.canParse(`http:${rest}`) || !rest) throw usageError(invalid);
  const url = new URL(`http:${rest}`);
  for (const [name, part] of Object.entries(partOf)) {
    const value = await computed(parameters[name as keyof typeof partOf]);
    if (value !== undefined) url[part] = String(value);
  }
  const { hostname, port, username, password, pathname, searchParams } = url;
  if (!username || !hostname || hostname === '-' || !pathname[1]) throw usageError(invalid);
  const timeout = searchParams.get('connect_timeout');
  return {
    connectionString: `postgresql${url.href.slice(4)}`,
    host: hostname,
    port,
    secret: password,
    connectTimeoutMs: timeout === null ? defaultConnectTimeoutMs : Number(timeout) * 1000 || Infinity,
  };
}
