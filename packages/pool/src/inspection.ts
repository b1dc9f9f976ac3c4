/**
 * Asks a server connection what its session holds. This replaces guessing from SQL text: after a statement that may have
 * set, locked, created or listened, Postgres itself says what is left once the transaction is over, whatever the way
 * (SET, set_config in a function body, a rolled back savepoint, a DO block).
 */
import { BackendCode, decodeDataRow, decodeErrorFields, encodeQuery } from '@postern/wire';
import { createErrand } from './errand.ts';
import { quoteLiteral } from './label.ts';
import { MessageCollector } from './message-collector.ts';
import { encodingOf, type ServerConnection } from './server-connection.ts';
import { serverNamePrefix } from './statements.ts';

/** What is asked about beyond what every session may have. */
export interface Questions {
  /** Names of custom settings; true: one with an empty value is meant too. */
  readonly customSettings: ReadonlyMap<string, boolean>;
  /** Code may have run PREPARE, out of sight. */
  readonly statements: boolean;
}

export interface Holdings {
  /** Settings whose source is the session, role and session_authorization included when they differ from the login's. */
  readonly settings: ReadonlyMap<string, string>;
  readonly channels: readonly string[];
  /** State that cannot be replayed elsewhere: reasons for a pin, for operators. */
  readonly objects: readonly string[];
  /** Such state that no reset removes either. */
  readonly permanent: readonly string[];
}

/**
 * In a transaction of its own and under none of the session's settings that could make it fail, wait or answer in another
 * encoding. The time limit is told first, that encoding is known from its ParameterStatus.
 */
const inspectSql = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SHOW statement_timeout;
SET LOCAL statement_timeout = 0;
SET LOCAL client_encoding = 'UTF8';
SELECT CASE WHEN context = 'superuser' THEN 'S' ELSE 's' END, name, setting, reset_val FROM pg_catalog.pg_settings
  WHERE source = 'session' AND (setting IS DISTINCT FROM reset_val OR name IN ('client_encoding', 'statement_timeout'))
UNION ALL SELECT 'r', 'role', pg_catalog.current_setting('role'), ''
UNION ALL SELECT 'r', 'session_authorization', session_user::text, ''
UNION ALL SELECT 'u', rolsuper::text, '', '' FROM pg_catalog.pg_roles WHERE rolname = session_user
UNION ALL SELECT 'l', c, '', '' FROM pg_catalog.pg_listening_channels() c
UNION ALL SELECT 'o', 'temporary object ' || relname, '', '' FROM (SELECT relname FROM pg_catalog.pg_class
  WHERE pg_catalog.pg_my_temp_schema() <> 0 AND relnamespace = pg_catalog.pg_my_temp_schema() AND relkind <> 'i' LIMIT 3) t
UNION ALL SELECT 'o', 'temporary function ' || proname, '', '' FROM (SELECT proname FROM pg_catalog.pg_proc
  WHERE pg_catalog.pg_my_temp_schema() <> 0 AND pronamespace = pg_catalog.pg_my_temp_schema() LIMIT 1) t
UNION ALL SELECT 'o', 'temporary type ' || typname, '', '' FROM (SELECT typname FROM pg_catalog.pg_type
  WHERE pg_catalog.pg_my_temp_schema() <> 0 AND typnamespace = pg_catalog.pg_my_temp_schema() AND typtype IN ('d', 'e', 'r') LIMIT 1) t
UNION ALL SELECT 'o', 'advisory lock', '', '' FROM (SELECT 1 FROM pg_catalog.pg_locks
  WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid() LIMIT 1) t
UNION ALL SELECT 'o', 'WITH HOLD cursor ' || name, '', '' FROM pg_catalog.pg_cursors WHERE is_holdable`;

/** Custom settings are not listed in pg_settings as long as no loaded module defines them. */
function customSql(names: ReadonlyMap<string, boolean>): string {
  const list = [...names].map(([name, isCertain]) => `(${quoteLiteral(name)}, ${isCertain})`).join(', ');
  return `
UNION ALL SELECT 'c', c.name, pg_catalog.current_setting(c.name, true), '' FROM (VALUES ${list}) c (name, is_certain)
  WHERE (pg_catalog.current_setting(c.name, true) <> '' OR (c.is_certain AND pg_catalog.current_setting(c.name, true) = ''))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_settings p WHERE pg_catalog.lower(p.name) = pg_catalog.lower(c.name))`;
}

/** All others have names of ours. */
const statementsSql = `
UNION ALL SELECT 'p', 'PREPARE ' || name, '', '' FROM pg_catalog.pg_prepared_statements
  WHERE from_sql AND NOT pg_catalog.starts_with(name, '${serverNamePrefix}')`;

const inspectQuery: Uint8Array = encodeQuery(inspectSql);
const text = new TextDecoder();

/** Sends the question now (the connection must be between segments) and answers once the answer is in. */
export function inspect(
  server: ServerConnection,
  loginUser: string,
  { customSettings, statements }: Questions,
  done: (holdings: Holdings | undefined, failure: string | undefined) => void,
): void {
  const settings = new Map<string, string>();
  const channels: string[] = [];
  const objects: string[] = [];
  const permanent: string[] = [];
  let failure: string | undefined;
  const encoding = encodingOf(server);
  let statementTimeout = '';
  let isSuperuser = false;
  /** A function with the rights of its owner has set them. */
  const beyondOwnRights: string[] = [];
  const collector = new MessageCollector((code, body) => {
    if (code === BackendCode.ErrorResponse) {
      failure = decodeErrorFields(body).message;
      return;
    }
    if (code !== BackendCode.DataRow) return;
    const [kind, name, value, initial] = decodeDataRow(body).map((cell) => (cell === null ? '' : text.decode(cell)));
    if (name === undefined) statementTimeout = String(millisecondsOf(kind!));
    else if (kind === 's' || kind === 'S') {
      const own = name === 'client_encoding' ? encoding : name === 'statement_timeout' ? statementTimeout : value;
      if (own !== initial) settings.set(name, own!);
      if (kind === 'S') beyondOwnRights.push(`setting ${name}, for superusers only`);
    } else if (kind === 'u') isSuperuser = name === 'true';
    else if (kind === 'c') settings.set(name, value!);
    else if (kind === 'l') channels.push(name);
    else if (kind === 'o') objects.push(name);
    else if (kind === 'p') permanent.push(name);
    else if (name === 'role' ? value !== 'none' : value !== loginUser) settings.set(name, value!);
  });
  const errand = createErrand({
    receive: (bytes, start, end) => collector.push(bytes, start, end),
    ready: () => {
      if (!isSuperuser) objects.push(...beyondOwnRights);
      if (failure === undefined) done({ settings, channels, objects, permanent }, undefined);
      else done(undefined, failure);
    },
    lost: () => done(undefined, 'the server connection was lost'),
  });
  const beyond = (customSettings.size > 0 ? customSql(customSettings) : '') + (statements ? statementsSql : '');
  server.sendQuery(beyond === '' ? inspectQuery : encodeQuery(inspectSql + beyond), errand, 0);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** SHOW writes a time with the largest unit that makes it whole; 0 has none. */
function millisecondsOf(shown: string): number {
  const [, count, unit] = /^(\d+)(\w*)$/.exec(shown) ?? [];
  return Number(count ?? 0) * (unitsMs[unit ?? ''] ?? 1);
}
