/** Who, where, as what: the connection string of one request. Texts of errors never hold any part of it. */
import { createError } from '../postern-error.ts';
import type { ConnectionParameters } from './options.ts';

/** Names of the parameters, and what they are of a URL. */
export const partOf = {
  user: 'username',
  username: 'username',
  password: 'password',
  host: 'hostname',
  hostname: 'hostname',
  port: 'port',
  database: 'pathname',
} as const;
const defaultConnectTimeoutSeconds = 5;

/** Calls it, with `about`, if it is a function. */
export async function computed<Value, About extends unknown[]>(
  value: Value | ((...about: About) => Value | Promise<Value>),
  ...about: About
): Promise<Value> {
  return typeof value === 'function' ? (value as (...about: About) => Promise<Value>)(...about) : value;
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
  const url = `ftp:${text.replace(/^postgres(ql)?:|.+/s, '')}`;
  if (URL.canParse(url)) return new URL(url);
  throw createError('usage', 'invalid connection string: use postgres://user:password@host/database');
}

/** Puts the parts together, calling those that are functions. */
export async function resolveConnection(parameters: ConnectionParameters): Promise<URL> {
  const url = parseConnectionString(await computed(parameters.connectionString ?? 'postgres://-'));
  let name: keyof typeof partOf;
  for (name in partOf) {
    const value = await computed(parameters[name]);
    // The other characters that mean something there, the URL escapes itself.
    if (value !== undefined) url[partOf[name]] = String(value).replaceAll('%', '%25');
  }
  // Without one of these it is none: the same error.
  return url.username && url.hostname !== '-' && url.pathname[1] ? url : parseConnectionString('');
}
