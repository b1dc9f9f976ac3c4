/**
 * Texts of megabytes, bulk inserts mostly: cutting them into tokens would hold everybody up for as long as that takes. They
 * are taken for the worst that needs no reading, which costs one question to Postgres afterwards.
 */
import type { SqlTraits } from './classify.ts';

/** UTF-16 units beyond which a text is not read when it need not be. */
const largeText = 524_288;

/** Words of all that must be read: names to be replaced, and what Postgres would not tell of when asked. */
const mustBeRead =
  /\b(?:prepare|execute|deallocate|discard|load|treat|uescape|pg_settings)\b|seed|dblink|replication|backup/i;

const unread: SqlTraits = Object.freeze({
  statements: 1,
  clean: false,
  inspect: true,
  unknownFunctions: Object.freeze([]),
  inspectBeyondFunctions: true,
  permanent: undefined,
  customSettings: Object.freeze([]),
  settingParameters: Object.freeze([]),
  computesSettings: false,
  listens: true,
  resets: true,
  isReset: false,
  resetSettings: Object.freeze(['*']),
  prepared: Object.freeze([]),
  discardsAll: false,
  deallocatesAll: false,
  changesSchema: true,
  mayOpenTransaction: true,
  endsTransaction: true,
  momentary: true,
  multiplexable: false,
  names: Object.freeze([]),
  needsReplacement: false,
  ambiguous: true,
});

/** Traits of a text that is too large to be read and need not be; undefined for any other. */
export function traitsOfLargeText(sql: string): SqlTraits | undefined {
  return sql.length > largeText && !mustBeRead.test(sql) ? unread : undefined;
}
