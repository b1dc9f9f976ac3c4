/**
 * Labels: what a session has set, as an immutable interned value. Two sessions with equal settings have the same label,
 * so that a connection prepared for one serves the other without a word to Postgres.
 * A label is never parsed from SQL: it is what Postgres answered when asked (inspection.ts).
 */
import { encodeQuery } from '@postern/wire';

/** Settings under which constants were read, and what tells such contexts apart. */
export interface ConstantContext {
  readonly settings: ReadonlyMap<string, string>;
  readonly key: string;
}

export interface Label {
  /** Settings of the session, with the values Postgres gave them. Role and session_authorization included. */
  readonly settings: ReadonlyMap<string, string>;
  /** Channels the session listens on. */
  readonly channels: readonly string[];
  /**
   * Query that brings any clean or dirty connection to this label. Failing, it leaves Postgres in a failed transaction, where
   * nothing of what follows is carried out unless it begins by ending that (SqlTraits.endsTransaction).
   */
  readonly resetQuery: Uint8Array;
  /** To be sent in front of it when the connection does not read UTF-8: the transaction begins before the text is read. */
  readonly encodingQuery: Uint8Array | undefined;
  /** What decides how SQL text is parsed; '' for the server's defaults. Statements are shared only within it. */
  readonly parseContext: string;
  /** What of it decides the constants of a text, for good: Postgres reads them once, when it parses. */
  readonly constants: ConstantContext;
  /** The reset itself might fail under these settings (time limits), so what follows must wait for its success. */
  readonly isHazardous: boolean;
  /**
   * Applying it may fail later although it once worked (roles, and settings whose values Postgres checks): its success is
   * awaited, because what has not been sent yet can run on another connection.
   */
  readonly mayBeRefused: boolean;
}

export interface Labels {
  /** The label of a session that has set nothing. */
  readonly none: Label;
  /** A connection left in the middle of something: nothing is known, so it is reset with care. */
  readonly unknown: Label;
  intern(settings: ReadonlyMap<string, string>, channels: readonly string[]): Label;
}

/** DISCARD ALL without DEALLOCATE ALL: prepared statements are ours and stay. Order matters: the role goes first. */
export const resetSql: string = [
  'CLOSE ALL',
  'SET SESSION AUTHORIZATION DEFAULT',
  'RESET ALL',
  'UNLISTEN *',
  'SELECT pg_catalog.pg_advisory_unlock_all()',
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
].join('; ');

/**
 * `sql` in a transaction of its own, which stays open and failed when it fails. Not what the session has set for its
 * transactions, which could make this one wait for others (serializable, read only and deferrable).
 */
export function guardedSql(sql: string): string {
  return `${beginSql}; ${sql}; COMMIT`;
}

const beginSql = 'BEGIN ISOLATION LEVEL READ COMMITTED';
/** The reset that follows begins with a BEGIN too, which then says only a warning. */
const encodingQuery: Uint8Array = encodeQuery(`${beginSql}; SET client_encoding = 'UTF8'`);

const timeLimits = ['statement_timeout', 'lock_timeout', 'transaction_timeout'];
const roles = ['session_authorization', 'role'];
/** Settings that Postgres takes again if it has taken them once: those of drivers. Custom ones are taken for such, too. */
const lasting: ReadonlySet<string> = new Set([
  'application_name',
  'bytea_output',
  'client_encoding',
  'client_min_messages',
  'DateStyle',
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
  'geqo',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'IntervalStyle',
  'jit',
  'lock_timeout',
  'maintenance_work_mem',
  'row_security',
  'search_path',
  'standard_conforming_strings',
  'statement_timeout',
  'synchronous_commit',
  'TimeZone',
  'transaction_timeout',
  'work_mem',
]);
const constantSettings = [
  'array_nulls',
  'backslash_quote',
  'client_encoding',
  'DateStyle',
  'default_text_search_config',
  'IntervalStyle',
  'lc_monetary',
  'lc_numeric',
  'standard_conforming_strings',
  'TimeZone',
  'transform_null_equals',
  'xmloption',
];
/** With these Postgres plans anew when they change: only the type of a result may surprise. */
const parseSettings = [...constantSettings, 'search_path', ...roles];

/** `maxLabels` bounds what is remembered; a forgotten label only costs a reset. */
export function createLabels(maxLabels = 10_000): Labels {
  const labels = new Map<string, Label>();
  const none = createLabel(new Map(), []);
  return {
    none,
    unknown: { ...none, isHazardous: true },
    intern(settings, channels) {
      if (settings.size === 0 && channels.length === 0) return none;
      const entries = [...settings].sort(([a], [b]) => (a < b ? -1 : 1));
      const sortedChannels = [...channels].sort();
      const key = JSON.stringify([entries, sortedChannels]);
      let label = labels.get(key);
      if (label === undefined) {
        if (labels.size >= maxLabels) labels.clear();
        label = createLabel(new Map(entries), sortedChannels);
        labels.set(key, label);
      }
      return label;
    },
  };
}

function createLabel(settings: ReadonlyMap<string, string>, channels: readonly string[]): Label {
  const replay = replaySql(settings);
  const listens = channels.map((channel) => `; LISTEN ${quoteIdentifier(channel)}`).join('');
  const resetQuery = encodeQuery(guardedSql(resetSql + (replay === '' ? '' : `; ${replay}`) + listens));
  const constants = subset(settings, constantSettings);
  return {
    settings,
    channels,
    resetQuery,
    encodingQuery: resetQuery.subarray(5).every((byte) => byte < 0x80) ? undefined : encodingQuery,
    parseContext: keyOf(subset(settings, parseSettings)),
    constants: { settings: constants, key: keyOf(constants) },
    isHazardous: timeLimits.some((name) => settings.has(name) && settings.get(name) !== '0'),
    mayBeRefused: [...settings.keys()].some((name) => !name.includes('.') && !lasting.has(name)),
  };
}

function subset(settings: ReadonlyMap<string, string>, names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.flatMap((name) => (settings.has(name) ? [[name, settings.get(name)!]] : [])));
}

function keyOf(settings: ReadonlyMap<string, string>): string {
  return settings.size === 0 ? '' : JSON.stringify([...settings]);
}

/** Leads from one context to another; for between segments, outside transactions. */
export function changeConstantsSql(from: ConstantContext, to: ConstantContext): string {
  const resets = [...from.settings.keys()].filter((name) => !to.settings.has(name)).map((name) => `RESET ${name}`);
  return [...resets, replaySql(to.settings)].filter((sql) => sql !== '').join('; ');
}

/** One SELECT that sets all of them; roles last, since they may forbid the rest. Empty for no settings. */
export function replaySql(settings: ReadonlyMap<string, string>): string {
  const names = [...settings.keys()].filter((name) => !roles.includes(name));
  for (const role of roles) if (settings.has(role)) names.push(role);
  if (names.length === 0) return '';
  return `SELECT ${names
    .map((name) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(settings.get(name)!)}, false)`)
    .join(', ')}`;
}

/**
 * Gives start-up values back to settings that a RESET took to the server's default: for Postgres the start-up packet's
 * values are what RESET returns to, and our connections are opened with none. Only to those that `reset` names ('*': any but
 * roles), and only where no other value is in force, unless `isOneReset`: nothing but their RESET has run. That is told to
 * Postgres without a query, which would be the first of its transaction. Empty for none.
 */
export function restoreBaselineSql(
  baseline: ReadonlyMap<string, string>,
  reset: ReadonlySet<string>,
  isOneReset: boolean,
): string {
  const wanted = [...baseline].filter(([name]) =>
    reset.has(name.toLowerCase()) ? true : reset.has('*') && !roles.includes(name),
  );
  if (wanted.length === 0) return '';
  if (isOneReset && !reset.has('*') && wanted.every(([name]) => !lists.has(name)))
    return wanted.map(([name, value]) => `SET ${dotted(name)} = ${quoteLiteral(value)}`).join('; ');
  const rows = wanted.map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`).join(', ');
  return `SELECT pg_catalog.set_config(b.name, b.value, false) FROM (VALUES ${rows}) AS b (name, value)
    LEFT JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(b.name)
    WHERE CASE WHEN s.name IS NULL THEN COALESCE(pg_catalog.current_setting(b.name, true), '') IN ('', 'none')
      ELSE s.source OPERATOR(pg_catalog.<>) 'session' END`;
}

/** Their values are lists of quoted names, which SET would take for one name. */
const lists: ReadonlySet<string> = new Set(['search_path', 'temp_tablespaces', 'local_preload_libraries']);

function dotted(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}

/** An SQL string constant that means the same whatever standard_conforming_strings and backslash_quote are. */
export function quoteLiteral(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
