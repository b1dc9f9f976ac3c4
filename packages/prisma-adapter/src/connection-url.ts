import { PosternError } from '@postern/serverless';

/** What the adapter itself wants to know of a connection string, and the string as the driver gets it. */
export interface ConnectionUrl {
  readonly connectionString: string;
  /** Of model queries; undefined: Prisma's default, `public`. */
  readonly schema: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
}

/**
 * Reads it. `schema` wins over `?schema=`, and is put there: the gateway puts it first in the session's search_path, so that
 * raw queries see the same tables as models. Sessions are pooled unless the string says otherwise, also over WebSocket, and
 * dates are written in the one way that Prisma reads, whatever the role's own is. Throws a PosternError (`usage`) that does not
 * repeat the string.
 */
export function readConnectionUrl(connectionString: string, schema: string | undefined): ConnectionUrl {
  const url = parse(connectionString);
  const named = schema ?? url.searchParams.get('schema') ?? undefined;
  if (named) url.searchParams.set('schema', named);
  if (!url.searchParams.has('pooled') && !url.searchParams.has('pgbouncer')) url.searchParams.set('pooled', 'true');
  // Only how they are written: the order of day and month in what is read stays the role's.
  if (!/datestyle/i.test(url.search)) url.searchParams.set('DateStyle', 'ISO');
  return {
    connectionString: toText(url),
    schema: named || undefined,
    host: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
  };
}

/** The same server and role, another database. */
export function withDatabase(connectionString: string, database: string): string {
  const url = parse(connectionString);
  url.pathname = `/${encodeURIComponent(database)}`;
  return toText(url);
}

/**
 * URL of the platform treats schemes it does not know differently from runtime to runtime; ftp it knows everywhere, and
 * unlike http it leaves port 80 where it is.
 */
function parse(text: string): URL {
  const scheme = /^postgres(ql)?:/.exec(text)?.[0];
  const address = scheme === undefined ? '' : `ftp:${text.slice(scheme.length)}`;
  if (scheme !== undefined && URL.canParse(address)) return new URL(address);
  const message = 'PrismaPostern needs a connection string like postgres://user:password@host/database';
  throw new PosternError(message, { kind: 'usage' });
}

function toText(url: URL): string {
  return `postgresql:${url.href.slice('ftp:'.length)}`;
}
