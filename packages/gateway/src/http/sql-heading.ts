// What the headers of a `/sql` request say, checked (reference/neon-wire.md §1.2, §1.3, §1.10).

import {
  type BatchOptions,
  type ConnectionString,
  GatewayError,
  type GatewayOptions,
  parseBatchOptions,
  parseConnectionString,
  parseSqlExtensions,
  type SqlExtensions,
  splitOptions,
  sqlHeader,
} from '@postern/contract';

/** What the connection string says. */
interface Destination {
  /** Where to, and who. */
  readonly target: ConnectionString;
  readonly options: GatewayOptions;
  /** Settings for the session. */
  readonly startupParameters: ReadonlyMap<string, string>;
}

/** There is a password in the target, an API key among the options, or a token. */
export interface SqlHeading extends Destination {
  readonly bearerToken: string | undefined;
  readonly batch: BatchOptions;
  readonly isRaw: boolean;
  readonly isArrayMode: boolean;
  readonly extensions: SqlExtensions;
}

/** Reads the headers through `header` (lower-case names); throws a GatewayError for what is missing or wrong. */
export type ReadSqlHeading = (header: (name: string) => string | undefined) => SqlHeading;

export interface SqlHeadingOptions {
  /** Connection strings whose meaning is remembered: the few that an application uses come with every request. */
  readonly maxConnectionStrings?: number;
}

const visibleAscii = /^[\x20-\x7e]*$/;
/** Longer ones are parsed each time, so that strangers cannot fill the memory. */
const maxRememberedLength = 512;

export function createSqlHeadingReader(options: SqlHeadingOptions = {}): ReadSqlHeading {
  const { maxConnectionStrings = 500 } = options;
  // Holds passwords, as the pool's identities do; nothing of it ever leaves but through the heading.
  const destinations = new Map<string, Destination>();

  function readDestination(text: string): Destination {
    const known = destinations.get(text);
    if (known !== undefined) return known;
    const destination = parseDestination(text);
    if (text.length > maxRememberedLength) return destination;
    for (const oldest of destinations.keys()) {
      if (destinations.size < maxConnectionStrings) break;
      destinations.delete(oldest);
    }
    destinations.set(text, destination);
    return destination;
  }

  return (header) => {
    const text = header(sqlHeader.connectionString);
    if (text === undefined || !visibleAscii.test(text)) {
      throw new GatewayError('invalid_header', 'invalid header: neon-connection-string', {
        hint: 'The header Neon-Connection-String is required and may contain visible ASCII only; percent-encode the rest.',
      });
    }
    const { target, options: gatewayOptions, startupParameters } = readDestination(text);
    const bearerToken = readBearerToken(header(sqlHeader.authorization));
    if (target.password === undefined && bearerToken === undefined && gatewayOptions.apiKey === undefined) {
      throw new GatewayError('missing_credentials', 'missing authentication credentials: required password');
    }
    return {
      target,
      bearerToken,
      options: gatewayOptions,
      startupParameters,
      // Checked for single statements too, where it has no effect.
      batch: parseBatchOptions(header),
      isRaw: header(sqlHeader.rawTextOutput) === 'true',
      isArrayMode: header(sqlHeader.arrayMode) === 'true',
      extensions: parseSqlExtensions(header),
    };
  };
}

function parseDestination(text: string): Destination {
  const target = parseConnectionString(text);
  const { gateway, startup } = splitOptions(target.options);
  return { target, options: gateway, startupParameters: readSettings(startup) };
}

function readBearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (token === undefined) {
    throw new GatewayError(
      'missing_credentials',
      'missing authentication credentials: required authorization bearer token in JWT format',
      { hint: 'The Authorization header must be "Bearer <token>".' },
    );
  }
  return token;
}

function readSettings(startup: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of startup) {
    const key = name.toLowerCase();
    if (key === 'replication') {
      throw new GatewayError('unsupported_over_http', 'replication is not supported over HTTP');
    }
    if (key === 'client_encoding') requireUtf8(value);
    else settings.set(name, value);
  }
  // JSON is UTF-8, so the session has to be, whatever the database's own encoding.
  settings.set('client_encoding', 'UTF8');
  return settings;
}

function requireUtf8(value: string): void {
  if (/^(utf-?8|unicode|auto)$/i.test(value)) return;
  throw new GatewayError('invalid_connection_option', 'connection option "client_encoding" can only be UTF8 over HTTP');
}
