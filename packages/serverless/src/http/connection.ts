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

const parts = { user: 'username', username: 'username', password: 'password', host: 'hostname' } as const;
const moreParts = { hostname: 'hostname', port: 'port', database: 'pathname' } as const;
const partOf = { ...parts, ...moreParts };

const defaultConnectTimeoutMs = 5_000;

/** Postgres URLs with the rules of http ones: the parser escapes what a header cannot carry. */
function parse(text: string): URL {
  const scheme = /^postgres(ql)?:/.exec(text)?.[0];
  // The parser's own error would quote the password.
  if (scheme && URL.canParse(`http:${text.slice(scheme.length)}`)) return new URL(`http:${text.slice(scheme.length)}`);
  throw usageError(
    scheme
      ? 'Database connection string is not a valid URL; it must look like postgres://user:password@host/database'
      : 'Database connection string must start with postgres:// or postgresql://',
  );
}

/** Puts the parts together, calling those that are functions. */
export async function resolveConnection(
  text: string | undefined,
  parameters: ConnectionParameters,
): Promise<Connection> {
  const given = parameters.connectionString ?? text ?? 'postgresql://-';
  const base = typeof given === 'function' ? await given() : given;
  if (typeof base !== 'string') {
    throw usageError('Connection string must be a string or a function resolving to one');
  }
  for (const [one, other] of [
    ['user', 'username'],
    ['host', 'hostname'],
  ] as const) {
    if (parameters[one] !== undefined && parameters[other] !== undefined) {
      throw usageError(`Please specify one only of ${one} and ${other}`);
    }
  }
  const url = parse(base);
  for (const [name, part] of Object.entries(partOf) as [keyof typeof partOf, (typeof partOf)[keyof typeof partOf]][]) {
    const parameter = parameters[name];
    const value = typeof parameter === 'function' ? await parameter() : parameter;
    if (value === undefined) continue;
    if (typeof value !== 'string' && !(name === 'port' && typeof value === 'number')) {
      throw usageError(`Connection parameter "${name}" must be a string or a function resolving to one`);
    }
    url[part] = String(value);
  }
  const { hostname, port, username, password, pathname, searchParams } = url;
  if (!username || !hostname || hostname === '-' || pathname.length < 2) {
    throw usageError('Missing user, host or database in connection parameters');
  }
  const timeout = searchParams.get('connect_timeout');
  return {
    connectionString: `postgresql${url.href.slice(4)}`,
    host: hostname,
    port,
    secret: password,
    connectTimeoutMs: timeout === null ? defaultConnectTimeoutMs : Number(timeout) * 1000 || Infinity,
  };
}
