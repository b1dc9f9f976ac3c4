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

export interface SqlHeading {
  /** Where to, and who. There is a password or a token. */
  readonly target: ConnectionString;
  readonly bearerToken: string | undefined;
  readonly options: GatewayOptions;
  /** Settings for the session. */
  readonly startupParameters: ReadonlyMap<string, string>;
  readonly batch: BatchOptions;
  readonly isRaw: boolean;
  readonly isArrayMode: boolean;
  readonly extensions: SqlExtensions;
}

const visibleAscii = /^[\x20-\x7e]*$/;

/** Reads the headers through `header` (lower-case names); throws a GatewayError for what is missing or wrong. */
export function readSqlHeading(header: (name: string) => string | undefined): SqlHeading {
  const text = header(sqlHeader.connectionString);
  if (text === undefined || !visibleAscii.test(text)) {
    throw new GatewayError('invalid_header', 'invalid header: neon-connection-string', {
      hint: 'The header Neon-Connection-String is required and may contain visible ASCII only; percent-encode the rest.',
    });
  }
  const target = parseConnectionString(text);
  const bearerToken = readBearerToken(header(sqlHeader.authorization));
  if (target.password === undefined && bearerToken === undefined) {
    throw new GatewayError('missing_credentials', 'missing authentication credentials: required password');
  }
  // Checked for single statements too, where it has no effect.
  const batch = parseBatchOptions(header);
  const { gateway, startup } = splitOptions(target.options);
  return {
    target,
    bearerToken,
    options: gateway,
    startupParameters: readSettings(startup),
    batch,
    isRaw: header(sqlHeader.rawTextOutput) === 'true',
    isArrayMode: header(sqlHeader.arrayMode) === 'true',
    extensions: parseSqlExtensions(header),
  };
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
    if (key === 'replication') refuseReplication(value);
    else if (key === 'client_encoding') requireUtf8(value);
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

function refuseReplication(value: string): void {
  if (/^(false|off|no|0)$/i.test(value)) return;
  throw new GatewayError('unsupported_over_http', 'replication is not supported over HTTP');
}
