// A connection string as callers write it: postgres://user:password@host:port/database?option=value.
// Rules and texts follow Neon's proxy (reference/neon-wire.md §1.3), plus IPv6 hosts. Errors never repeat the string.
// What the options mean is not decided here but in connection-options.ts.

import { GatewayError } from './gateway-error.ts';
import { percentDecode } from './percent-decoding.ts';

/** A parsed connection string. All parts are percent-decoded. */
export interface ConnectionString {
  /** Lower case, without the brackets of an IPv6 address. */
  readonly host: string;
  /** undefined when the string names none (5432 by convention). */
  readonly port: number | undefined;
  readonly user: string;
  readonly password: string | undefined;
  /** The user's name when the path is just `/`, as in Postgres. */
  readonly database: string;
  /** The query part as it is: raw names and values, in order; the last of a repeated name wins. */
  readonly options: ReadonlyMap<string, string>;
}

/** Longest string looked at; Node's own limit for all headers together is 16 KiB. */
const maxConnectionStringLength = 16_384;

/** Parses `text` or throws a GatewayError (`invalid_connection_string`) that says what is wrong without quoting it. */
export function parseConnectionString(text: string): ConnectionString {
  if (text.length > maxConnectionStringLength) {
    throw invalid(`invalid connection string: longer than ${maxConnectionStringLength} characters`);
  }
  const url = parseUrl(text);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw invalid('incorrect scheme');
  if (url.pathname === '') throw invalid('missing database name');
  const user = decodePart('username', url.username);
  if (user === '') throw invalid('missing username');
  const password = decodePart('password', url.password);
  const host = parseHost(url.hostname);
  const database = decodePart('database name', url.pathname.split('/', 2)[1] ?? '');
  return {
    host,
    port: url.port === '' ? undefined : Number(url.port),
    user,
    password: password === '' ? undefined : password,
    database: database === '' ? user : database,
    options: new Map(url.searchParams),
  };
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    // Any error of URL carries its input, password included: never pass it on as a cause.
    url = new URL(text);
  } catch {
    if (/^postgres(ql)?:\/\/[^/?#]*,/i.test(text)) {
      throw invalid('invalid connection string: several hosts are not supported');
    }
    throw invalid('invalid connection string: not a URL of the form postgres://user:password@host/database');
  }
  // The parser silently drops these; in a password that would mean another password.
  if (/[\t\n\r]/.test(text.trim())) throw invalid('invalid connection string: it contains a line break or tab');
  return url;
}

function parseHost(hostname: string): string {
  if (hostname === '') throw invalid('missing hostname');
  if (hostname.startsWith('[')) return hostname.slice(1, -1);
  const host = decodePart('hostname', hostname).toLowerCase();
  if (host.includes(',')) throw invalid('invalid connection string: several hosts are not supported');
  return host;
}

function decodePart(what: string, encoded: string): string {
  const decoded = percentDecode(encoded);
  if (decoded === undefined) throw invalid(`invalid ${what}: not UTF-8 after percent-decoding`);
  if (decoded.includes('\0')) throw invalid(`invalid ${what}: it contains a NUL character`);
  return decoded;
}

function invalid(message: string): GatewayError {
  return new GatewayError('invalid_connection_string', message);
}
