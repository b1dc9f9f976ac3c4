/**
 * What a text of SQL may leave behind in the Postgres session that runs it, and which prepared statements it names.
 * No parser: a tokenizer, the verb of each statement, and the names of the functions it calls. Every answer errs to the
 * careful side: a false `clean` would be a leak, a false `inspect` costs a millisecond.
 *
 * Not for texts in a client encoding whose characters may end in an ASCII byte (SJIS, BIG5, GBK, GB18030, UHC, JOHAB) unless
 * they are decoded with it; decoded as UTF-8 such a character shows as U+FFFD, which makes the text ambiguous.
 */
import { classifyStatement, createFindings, type Findings, isDiscardAll } from './classify-statement.ts';
import { mentionedNames } from './mentioned-names.ts';
import { hasMomentaryConstant } from './momentary-constants.ts';
import type { PreparedMention } from './prepared-names.ts';
import { readSqlText, type SqlText } from './sql-text.ts';

export { type PreparedMention, rewritePreparedNames } from './prepared-names.ts';

export interface SqlTraits {
  /** Statements in the text; 0 when there is nothing but space, comments and semicolons. */
  readonly statements: number;
  /** Leaves no trace in the session: queries that call harmless functions only, transaction control, SET LOCAL, SHOW … */
  readonly clean: boolean;
  /** May change settings or hold objects of the session: after it, ask Postgres what the session holds. */
  readonly inspect: boolean;
  /**
   * Names (folded, without schema) of called functions of which nothing is known; complete unless `inspectBeyondFunctions`.
   * A name may belong to functions of several schemas, and may turn out to be no function at all.
   */
  readonly unknownFunctions: readonly string[];
  /** `inspect` would be true even if all `unknownFunctions` were harmless. */
  readonly inspectBeyondFunctions: boolean;
  /** What leaves state that neither inspection nor reset sees or removes ('setseed', 'LOAD', …); undefined: nothing. */
  readonly permanent: string | undefined;
  /** Custom settings it sets for longer than its transaction, by names that can be read. */
  readonly customSettings: readonly string[];
  /** Numbers of the parameters that are names of settings. */
  readonly settingParameters: readonly number[];
  /** It may set custom settings whose names cannot be told. */
  readonly computesSettings: boolean;
  /** Contains LISTEN, UNLISTEN or DISCARD ALL. */
  readonly listens: boolean;
  /** May set a setting back to its default: RESET, SET … TO DEFAULT, set_config with a value that may be NULL, DISCARD ALL. */
  readonly resets: boolean;
  /** Which, as far as their names can be read; '*': any. Folded. SET ROLE NONE goes back to no default. */
  readonly resetSettings: readonly string[];
  /** The whole text is one RESET or SET … TO DEFAULT. */
  readonly isReset: boolean;
  /** Prepared statements named in SQL, in the order of the text. */
  readonly prepared: readonly PreparedMention[];
  /** The whole text is one DISCARD ALL. */
  readonly discardsAll: boolean;
  /** The whole text is one DEALLOCATE [PREPARE] ALL. */
  readonly deallocatesAll: boolean;
  /** CREATE, ALTER, DROP, SELECT INTO, or code that may do so: cached plans may be stale afterwards. */
  readonly changesSchema: boolean;
  /** Contains transaction control, or a statement that is not recognised. */
  readonly mayOpenTransaction: boolean;
  /** Begins, perhaps, by ending a transaction: a failed one ends with it, and what follows is carried out. */
  readonly endsTransaction: boolean;
  /** May have constants that mean something else when the text is parsed again later: 'now'::timestamptz, 'f'::regproc. */
  readonly momentary: boolean;
  /** One autocommit query or data change that may run between other callers' statements on a shared connection. */
  readonly multiplexable: boolean;
  /** Of a `multiplexable` text: all names (see identifierName) that may be those of relations it reads. */
  readonly names: readonly string[];
  /** Names prepared statements, so it must not be sent as it is. Not set for a lone DEALLOCATE ALL. */
  readonly needsReplacement: boolean;
  /** Postgres may read the text differently (see Tokens.isAmbiguous), or will refuse it: offsets may be wrong. */
  readonly ambiguous: boolean;
}

/** Classifies `sql`; offsets in the result are UTF-16 indexes into it. The result is frozen. Never throws. */
export function classifySql(sql: string): SqlTraits {
  const text = readSqlText(sql);
  const findings = createFindings();
  const statements = text.statementFirsts.length;
  for (let i = 0; i < statements; i++)
    classifyStatement(text, text.statementFirsts[i]!, text.statementEnds[i]!, i, findings);
  const isAmbiguous = text.isAmbiguous || text.isUnterminated || text.isUnbalanced;
  if (isAmbiguous || text.hasAtomicBody) {
    findings.isClean = false;
    findings.holds = true;
    findings.changesSchema = true;
    findings.mayOpenTransaction = true;
    findings.endsTransaction = true;
    findings.isMultiplexable = false;
  }
  return freezeTraits(text, findings, isAmbiguous);
}

function freezeTraits(text: SqlText, findings: Findings, ambiguous: boolean): SqlTraits {
  const statements = text.statementFirsts.length;
  const { prepared, holds } = findings;
  const isMultiplexable = findings.isMultiplexable && statements === 1;
  const deallocatesAll = statements === 1 && prepared.length === 1 && prepared[0]!.kind === 'deallocate-all';
  return Object.freeze({
    statements,
    clean: findings.isClean,
    inspect: holds || findings.unknownFunctions.size > 0,
    unknownFunctions: findings.unknownFunctions.size === 0 ? NONE : Object.freeze([...findings.unknownFunctions]),
    inspectBeyondFunctions: holds,
    permanent: findings.permanent,
    customSettings: freezeNames(findings.settings.custom),
    settingParameters: freezeNames(findings.settings.parameters),
    computesSettings: findings.settings.areComputed,
    listens: findings.listens,
    resets: findings.resets,
    isReset: statements === 1 && findings.settings.isReset,
    resetSettings: freezeNames(findings.settings.reset),
    prepared: prepared.length === 0 ? NONE : Object.freeze(prepared),
    discardsAll: statements === 1 && isDiscardAll(text, text.statementFirsts[0]!, text.statementEnds[0]!),
    deallocatesAll,
    changesSchema: findings.changesSchema,
    mayOpenTransaction: findings.mayOpenTransaction,
    endsTransaction: findings.endsTransaction,
    momentary: hasMomentaryConstant(text),
    multiplexable: isMultiplexable,
    names: isMultiplexable ? Object.freeze(mentionedNames(text)) : NONE,
    needsReplacement: prepared.length > 0 && !deallocatesAll,
    ambiguous,
  });
}

function freezeNames<T>(names: ReadonlySet<T>): readonly T[] {
  return names.size === 0 ? NONE : Object.freeze([...names]);
}

const NONE: readonly never[] = Object.freeze([]);
