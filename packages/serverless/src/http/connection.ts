/** Who, where, as what: the connection string of one request. Texts of errors never hold any part of it. */
import { usageError } from '../postern-error.ts';
import type { ConnectionParameters } from './options.ts';

/** Names of the parameters, and what they are of a URL. */
const partOf = {
  user: 'username',
  username: 'username',
  password: 'password',
  host: 'hostname',
  hostname: 'hostname',
  port: 'port',
  database: 'pathname',
} as const;
export const parameterNames: readonly (keyof typeof partOf)[] = Object.keys(partOf) as never; // it has no others
const defaultConnectTimeoutSeconds = 5;

/** Calls it if it is a function. */
export async function computed<Value>(value: Value | (() => Value | Promise<Value>)): Promise<Value> {
  return typeof value === 'function' ? (value as () => Promise<Value>)() : value;
}

/** How long may be tried, given `connect_timeout`; 0 means for ever. */
export function connectTimeoutMs(seconds: unknown): number {
  return Number(seconds ?? defaultConnectTimeoutSeconds) * 1000 || Infinity;
}

/**
 * As an ftp URL: with those rules the parser escapes what a header cannot carry, and the port it would leave out is 21, not
 * 80. Its own errors would quote the password.
 */
export function parseConnectionString(text: string): URL {
  const url = `ftp:${/^postgres(?:ql)?:(.+)/.exec(text)?.[1] ?? ''}`;
  if (URL.canParse(url)) return new URL(url);
  return refuse();
}

function refuse(): never {
  throw usageError('invalid connection string: it must be postgres://user:password@host/database');
}

/** Puts the parts together, calling those that are functions. */
export async function resolveConnection(parameters: ConnectionParameters): Promise<URL> {
  const url = parseConnectionString(await computed(parameters.connectionString ?? 'postgres://-'));
  for (const name of parameterNames) {
    const value = await computed(parameters[name]);
    if (value !== undefined) url[partOf[name]] = String(value);
  }
  if (!url.username || url.hostname === '-' || !url.pathname[1]) refuse();
  return url;
}
