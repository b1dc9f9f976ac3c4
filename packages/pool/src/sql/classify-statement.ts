/** What one statement may leave behind, by its verb. A verb that is not known here may do anything. */
import { computesSetting, mayReset } from './code-settings.ts';
import {
  createScan,
  createSettingNames,
  MAX_UNKNOWN_FUNCTIONS,
  type Scan,
  type SettingNames,
  scanExpressions,
} from './expression-scan.ts';
import { foldCase, identifierName, isIdentifier } from './identifiers.ts';
import { type PreparedMention, parseDeallocate, parseExecute, parsePrepare } from './prepared-names.ts';
import { mentionedPermanentFunction } from './sensitive-functions.ts';
import { isSeedSetting } from './set-config.ts';
import { Mark, type SqlText } from './sql-text.ts';
import { DOT, OPEN_PAREN, TokenKind } from './tokenize.ts';
import { isOneOf, isWord, wordAt } from './words.ts';

/** What is known of a statement. Everything starts at the harmless end and only gets worse. */
export interface Findings {
  isClean: boolean;
  /** Inspection is needed, whatever the unknown functions turn out to be. */
  holds: boolean;
  readonly unknownFunctions: Set<string>;
  permanent: string | undefined;
  listens: boolean;
  resets: boolean;
  changesSchema: boolean;
  mayOpenTransaction: boolean;
  endsTransaction: boolean;
  isMultiplexable: boolean;
  readonly prepared: PreparedMention[];
  readonly settings: SettingNames;
}

export function createFindings(): Findings {
  return {
    isClean: true,
    holds: false,
    unknownFunctions: new Set(),
    permanent: undefined,
    listens: false,
    resets: false,
    changesSchema: false,
    mayOpenTransaction: false,
    endsTransaction: false,
    isMultiplexable: true,
    prepared: [],
    settings: createSettingNames(),
  };
}

/** The statement: tokens [first, end) of `text`, the `index`th of it. */
interface Statement {
  readonly text: SqlText;
  readonly first: number;
  readonly end: number;
  readonly index: number;
}

type Rule = (statement: Statement, findings: Findings) => void;

/** Adds to `findings` what tokens [first, end), statement number `index` of the text, may do. */
export function classifyStatement(text: SqlText, first: number, end: number, index: number, findings: Findings): void {
  const verb = text.kinds[first] === OPEN_PAREN ? 'select' : wordAt(text, first);
  const rule = RULES.get(verb) ?? anything;
  if (rule !== query) findings.isMultiplexable = false;
  rule({ text, first, end, index }, findings);
}

/** Nothing remains, and nothing ran that could have left something. */
const silent: Rule = () => {};

/** Not a trace that inspection could find, but not nothing either: rows, statistics, privileges. */
const trace: Rule = (_, findings) => {
  findings.isClean = false;
};

const hold: Rule = (_, findings) => {
  findings.isClean = false;
  findings.holds = true;
};

const anything: Rule = (statement, findings) => {
  hold(statement, findings);
  findings.changesSchema = true;
  findings.mayOpenTransaction = true;
  if (statement.index === 0) findings.endsTransaction = true;
  addPermanent(statement, findings);
};

const transaction: Rule = (_, findings) => {
  findings.mayOpenTransaction = true;
};

const startTransaction: Rule = (statement, findings) => {
  // START_REPLICATION and the like are words of their own; START alone is nothing.
  (isWord(statement.text, statement.first + 1, 'transaction') ? transaction : anything)(statement, findings);
};

const endTransaction: Rule = (statement, findings) => {
  if (statement.index === 0) findings.endsTransaction = true;
  // COMMIT PREPARED 'id' acts on a transaction of anyone's.
  if (isWord(statement.text, statement.first + 1, 'prepared')) trace(statement, findings);
  transaction(statement, findings);
};

/** SELECT, VALUES, TABLE, WITH, INSERT, UPDATE, DELETE, MERGE. */
const query: Rule = (statement, findings) => {
  const { text, first, end } = statement;
  const scan = createScan(findings.settings);
  scanExpressions(text, first, end, first, scan);
  addScan(scan, findings);
};

/** Data that goes in or out: COPY t [(columns)] | (query) FROM | TO …. */
const copy: Rule = (statement, findings) => {
  const { text, first, end } = statement;
  trace(statement, findings);
  // COPY (query), t(columns), STDIN (options): no calls
  markNoCall(text, first);
  let at = first + 1;
  while (text.kinds[at + 1] === DOT) at += 2;
  if (isIdentifier(text, at)) markNoCall(text, at);
  for (; at < end; at++) {
    if (text.kinds[at] === OPEN_PAREN) at = Math.max(at, text.partners[at]!);
    else if (isOneOf(text, at, ['stdin', 'stdout']) && isOneOf(text, at - 1, ['from', 'to'])) markNoCall(text, at);
  }
  query(statement, findings);
};

/**
 * Every CREATE, ALTER and DROP counts as holding: with pg_temp first in search_path a plain CREATE TABLE makes a temporary
 * table, defaults and partition bounds are evaluated at once, and a DROP may end what was held.
 */
const schema: Rule = (statement, findings) => {
  hold(statement, findings);
  findings.changesSchema = true;
  addPermanent(statement, findings);
  const { text, first, end, index } = statement;
  if (!isWord(text, first, 'create')) return;
  // CREATE … TABLE … AS EXECUTE name: the first AS outside parentheses
  let isTable = false;
  for (let i = first + 1; i < end; i++) {
    if (text.kinds[i] === OPEN_PAREN) i = Math.max(i, text.partners[i]!);
    else if (isWord(text, i, 'table')) isTable = true;
    else if (isWord(text, i, 'as')) {
      if (!isTable || !isWord(text, i + 1, 'execute')) return;
      const mention = parseExecute(text, i + 1, end, index);
      if (mention !== undefined) findings.prepared.push(mention);
      return;
    }
  }
};

/** SET [SESSION | LOCAL] …. A setting may have the name of a keyword: SET local.x = 1 is a session setting. */
const set: Rule = (statement, findings) => {
  const { text, first, end } = statement;
  const isName = (i: number): boolean => text.kinds[i + 1] === DOT || isAssignment(text, i + 1);
  let at = first + 1;
  let isLocal = false;
  if (isOneOf(text, at, ['session', 'local']) && !isName(at)) {
    isLocal = isWord(text, at, 'local');
    at++;
    // SET [SESSION | LOCAL] SESSION CHARACTERISTICS | SESSION AUTHORIZATION
    if (isLocal && isWord(text, at, 'session') && !isWord(text, at + 1, 'authorization')) isLocal = false;
  } else if (isOneOf(text, at, ['transaction', 'constraints']) && !isName(at)) return;
  if (isOneOf(text, end - 1, ['default', 'none', 'local', 'names'])) {
    findings.resets = true;
    findings.settings.isReset = true;
    if (!isWord(text, end - 1, 'none')) findings.settings.reset.add(settingName(text, at));
  }
  if (isIdentifier(text, at) && text.kinds[at + 1] !== DOT && isSeedSetting(identifierName(text, at))) {
    // Seeds random() even with LOCAL, and even when rolled back.
    findings.permanent ??= 'SET seed';
    isLocal = false;
  }
  if (isLocal) return;
  hold(statement, findings);
  if (text.kinds[at + 1] === DOT) findings.settings.custom.add(dottedName(text, at));
};

const reset: Rule = (statement, findings) => {
  const { text, first } = statement;
  hold(statement, findings);
  findings.resets = true;
  findings.settings.isReset = true;
  findings.settings.reset.add(isWord(text, first + 1, 'all') ? '*' : settingName(text, first + 1));
};

/** The name a.b.c that begins at token `at`. */
function dottedName(text: SqlText, at: number): string {
  const parts: string[] = [];
  for (let i = at; isIdentifier(text, i); i += 2) {
    parts.push(identifierName(text, i));
    if (text.kinds[i + 1] !== DOT) break;
  }
  return parts.join('.');
}

/** The setting that SET and RESET mean by the words from token `at` on. */
function settingName(text: SqlText, at: number): string {
  if (isWord(text, at, 'time') && isWord(text, at + 1, 'zone')) return 'timezone';
  if (isWord(text, at, 'session') && isWord(text, at + 1, 'authorization')) return 'session_authorization';
  return isWord(text, at, 'names') ? 'client_encoding' : foldCase(dottedName(text, at));
}

const listen: Rule = (statement, findings) => {
  hold(statement, findings);
  findings.listens = true;
};

const discard: Rule = (statement, findings) => {
  hold(statement, findings);
  if (!isDiscardAll(statement.text, statement.first, statement.end)) return;
  findings.resets = true;
  findings.settings.reset.add('*');
  findings.listens = true;
};

const load: Rule = (statement, findings) => {
  hold(statement, findings);
  findings.permanent ??= 'LOAD';
};

/** CALL, DO: code that may do anything but leave a transaction open. */
const procedure: Rule = (statement, findings) => {
  hold(statement, findings);
  findings.changesSchema = true;
  addPermanent(statement, findings);
  const { text, first, end } = statement;
  for (let i = first; i < end && findings.permanent === undefined; i++) {
    if (text.kinds[i]! < TokenKind.string || text.kinds[i]! > TokenKind.dollarString) continue;
    const code = text.sql.slice(text.starts[i], text.ends[i]);
    findings.permanent = mentionedPermanentFunction(code);
    if (computesSetting(code)) findings.settings.areComputed = true;
    if (mayReset(code)) {
      findings.resets = true;
      findings.settings.reset.add('*');
    }
  }
};

/** EXPLAIN [ANALYZE] [VERBOSE] | [(options)] statement. */
const explain: Rule = (statement, findings) => {
  const { text, first, end, index } = statement;
  let at = first + 1;
  let isRun = false;
  if (text.kinds[at] === OPEN_PAREN && !isOneOf(text, at + 1, QUERY_VERBS) && text.kinds[at + 1] !== OPEN_PAREN) {
    const close = text.partners[at]!;
    if (close < 0) return anything(statement, findings);
    // ANALYZE off counts as ANALYZE: reading the value is not worth it.
    for (; at < close; at++) if (isOneOf(text, at, ANALYZE)) isRun = true;
    at = close + 1;
  } else {
    if (isOneOf(text, at, ANALYZE)) {
      isRun = true;
      at++;
    }
    if (isWord(text, at, 'verbose')) at++;
  }
  // EXPLAIN EXPLAIN is no SQL, and following it would be a recursion as deep as the text is long.
  if (at >= end || isWord(text, at, 'explain')) return anything(statement, findings);
  if (isRun || !isOneOf(text, at, WRITE_VERBS)) return classifyStatement(text, at, end, index, findings);
  // Planned, not run: only its functions matter, which the planner may call.
  const scan = createScan(findings.settings);
  scanExpressions(text, at, end, at, scan);
  scan.modifiesData = false;
  addScan(scan, findings);
};

/** DECLARE name … CURSOR [WITH HOLD] FOR query. Without HOLD the cursor ends with the transaction. */
const declare: Rule = (statement, findings) => {
  const { text, first, end, index } = statement;
  let at = first + 2;
  let isCursor = false;
  for (; at < end && !isWord(text, at, 'for'); at++) {
    if (isWord(text, at, 'hold') && isWord(text, at - 1, 'with')) hold(statement, findings);
    else if (isWord(text, at, 'cursor')) isCursor = true;
  }
  if (!isCursor || at + 1 >= end || !isQueryStart(text, at + 1)) return anything(statement, findings);
  classifyStatement(text, at + 1, end, index, findings);
};

/** PREPARE runs nothing; it is charged with what running its statement would do. */
const prepare: Rule = (statement, findings) => {
  const { text, first, end, index } = statement;
  // PREPARE TRANSACTION 'id' is not of this form.
  const parsed = parsePrepare(text, first, end, index);
  if (parsed === undefined || !isQueryStart(text, parsed.bodyFirst)) return anything(statement, findings);
  findings.prepared.push(parsed.mention);
  trace(statement, findings);
  classifyStatement(text, parsed.bodyFirst, end, index, findings);
};

/** What EXECUTE runs is not in the text. */
const execute: Rule = (statement, findings) => {
  const { text, first, end, index } = statement;
  const mention = parseExecute(text, first, end, index);
  if (mention === undefined) return anything(statement, findings);
  findings.prepared.push(mention);
  markNoCall(text, first + 1);
  hold(statement, findings);
  query(statement, findings);
};

const deallocate: Rule = (statement, findings) => {
  const { text, first, end, index } = statement;
  const mention = parseDeallocate(text, first, end, index);
  if (mention === undefined) return anything(statement, findings);
  findings.prepared.push(mention);
  trace(statement, findings);
};

const EQUAL_SIGN = 61;
const ANALYZE: readonly string[] = ['analyze', 'analyse'];
const WRITE_VERBS: readonly string[] = ['insert', 'update', 'delete', 'merge'];
const QUERY_VERBS: readonly string[] = ['select', 'with', 'values', 'table'];

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...[...QUERY_VERBS, ...WRITE_VERBS].map((verb) => [verb, query] as const),
  ...['begin', 'savepoint', 'release'].map((verb) => [verb, transaction] as const),
  ...['start'].map((verb) => [verb, startTransaction] as const),
  ...['commit', 'rollback', 'end', 'abort'].map((verb) => [verb, endTransaction] as const),
  // Locks end with the transaction, and so does a NOTIFY that is not sent.
  ...['show', 'notify', 'lock'].map((verb) => [verb, silent] as const),
  // None of these evaluates an expression of its text. FETCH and MOVE act on a cursor that its DECLARE accounts for.
  ...['fetch', 'move', 'truncate', 'vacuum', 'analyze', 'analyse', 'reindex', 'cluster', 'checkpoint'].map(
    (verb) => [verb, trace] as const,
  ),
  ...['comment', 'grant', 'revoke', 'security', 'reassign'].map((verb) => [verb, trace] as const),
  ...['create', 'alter', 'drop', 'import'].map((verb) => [verb, schema] as const),
  ...['listen', 'unlisten'].map((verb) => [verb, listen] as const),
  ...['do', 'call'].map((verb) => [verb, procedure] as const),
  // REFRESH runs the query of the view.
  ...['close', 'refresh'].map((verb) => [verb, hold] as const),
  ['copy', copy],
  ['deallocate', deallocate],
  ['declare', declare],
  ['discard', discard],
  ['execute', execute],
  ['explain', explain],
  ['load', load],
  ['prepare', prepare],
  ['reset', reset],
  ['set', set],
]);

/** Whether tokens [first, end) are DISCARD ALL. */
export function isDiscardAll(text: SqlText, first: number, end: number): boolean {
  return end === first + 2 && isWord(text, first, 'discard') && isWord(text, first + 1, 'all');
}

function isQueryStart(text: SqlText, i: number): boolean {
  return text.kinds[i] === OPEN_PAREN || isOneOf(text, i, QUERY_VERBS) || isOneOf(text, i, WRITE_VERBS);
}

function isAssignment(text: SqlText, i: number): boolean {
  const isEqualSign = text.kinds[i] === TokenKind.operator && text.sql.charCodeAt(text.starts[i]!) === EQUAL_SIGN;
  return i < text.count && (isEqualSign || isWord(text, i, 'to'));
}

function markNoCall(text: SqlText, i: number): void {
  text.marks[i]! |= Mark.noCall;
}

function addScan(scan: Scan, findings: Findings): void {
  const isHolding = scan.holds || scan.createsTable;
  const isTracing = scan.leavesTrace || scan.permanent !== undefined || scan.unknownFunctions.size > 0;
  if (isHolding || isTracing || scan.modifiesData) findings.isClean = false;
  if (isHolding || isTracing || scan.isBound) findings.isMultiplexable = false;
  if (isHolding) findings.holds = true;
  if (scan.createsTable) findings.changesSchema = true;
  if (scan.resets) findings.resets = true;
  findings.permanent ??= scan.permanent;
  for (const name of scan.unknownFunctions) {
    if (findings.unknownFunctions.size < MAX_UNKNOWN_FUNCTIONS) findings.unknownFunctions.add(name);
    else if (!findings.unknownFunctions.has(name)) findings.holds = true;
  }
}

/** For statements that are inspected anyway: only what inspection cannot see. */
function addPermanent({ text, first, end }: Statement, findings: Findings): void {
  const scan = createScan(findings.settings);
  scanExpressions(text, first, end, first, scan);
  findings.permanent ??= scan.permanent;
  if (scan.resets) findings.resets = true;
}
