/**
 * Reads the operator's `--database-url` into where Postgres is and who to be there.
 * It is configuration, so errors are for the operator; they never repeat the URL, which holds a password.
 */
import type { Target } from '@postern/pool';

export interface ParsedDatabaseUrl {
  host: string;
  port: number;
  tls: Target['tls'];
  /** File of the certificates to trust; undefined: the system's. */
  rootCertificates: string | undefined;
  /** The database callers get who name none. */
  database: string;
  /** The role in the URL. Optional: callers bring their own roles. */
  role: { user: string; password: string } | undefined;
}

const defaultPort = 5432;

const tlsBySslmode: Readonly<Record<string, Target['tls']>> = {
  disable: 'disable',
  // `allow` tries plain first; asking for TLS first and falling back is the safer reading of the same wish.
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  // Node checks chain and host name together, so verify-ca is read as the stricter mode.
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
};

/** Those that are read, and those of libpq that change nothing about whom the connection trusts. */
const tlsParameters: ReadonlySet<string> = new Set(['sslmode', 'sslrootcert', 'sslcompression', 'sslsni']);

/**
 * Parses `postgres://user:password@host:port/database?sslmode=…`. A Unix socket is `postgres:///db?host=/directory`.
 * Throws an Error naming the part that is wrong.
 */
export function parseDatabaseUrl(text: string): ParsedDatabaseUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('the database URL is not a URL; expected postgres://user:password@host:5432/database');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new Error(`the database URL has scheme "${url.protocol}"; expected postgres: or postgresql:`);
  }
  // What stands behind an unescaped slash of a password would become the database's name, and be told to everybody.
  if (url.pathname.includes('@')) {
    throw new Error(
      'the database URL has an @ behind its host; percent-encode / (%2F), ? and # in user name and password',
    );
  }
  const host =
    (url.searchParams.get('host') ?? decode(url.hostname, 'host')).replace(/^\[(.*)\]$/, '$1') || 'localhost';
  if (host.includes(',')) throw new Error('the database URL has several hosts; give one endpoint for each');
  const port = parsePort(url.searchParams.get('port') ?? url.port);
  const user = decode(url.username, 'user name');
  const database = decode(url.pathname.replace(/^\//, ''), 'database name') || user;
  if (database === '') throw new Error('the database URL names no database; expected postgres://…/database');
  const sslmode = url.searchParams.get('sslmode') ?? 'prefer';
  const tls = tlsBySslmode[sslmode];
  if (tls === undefined) {
    throw new Error(`the database URL has sslmode=${sslmode}; allowed: ${Object.keys(tlsBySslmode).join(', ')}`);
  }
  const sslrootcert = url.searchParams.get('sslrootcert') ?? 'system';
  const rootCertificates = sslrootcert === 'system' ? undefined : sslrootcert;
  for (const name of url.searchParams.keys()) {
    // What is meant to secure the connection is never passed over.
    if (/^ssl/i.test(name) && !tlsParameters.has(name)) {
      throw new Error(`the database URL has ${name}, which is not known here; use sslmode and sslrootcert`);
    }
  }
  return {
    host,
    port,
    // With certificates to trust, libpq's `require` verifies too.
    tls: host.startsWith('/') ? 'disable' : tls === 'require' && rootCertificates !== undefined ? 'verify-full' : tls,
    rootCertificates,
    database,
    role: user === '' ? undefined : { user, password: decode(url.password, 'password') },
  };
}

function parsePort(text: string): number {
  if (text === '') return defaultPort;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new Error(`the database URL has port "${text}"; allowed: 1 to 65535`);
  }
  return port;
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`the ${part} in the database URL is not percent-encoded correctly`);
  }
}
