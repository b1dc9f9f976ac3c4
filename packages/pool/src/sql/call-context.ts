/**
 * Decides whether an identifier before "(" is certainly something else than the name of a called function: a construct of
 * the grammar, a type with modifiers, a table or alias with a column list. Every rule here must hold for all valid SQL,
 * since what it excludes is never looked at again; in doubt the answer is "a call".
 */

import { isIdentifier } from './identifiers.ts';
import { isNeverFunction } from './keywords.ts';
import { Mark, type SqlText } from './sql-text.ts';
import { CLOSE_PAREN, COMMA, DOT, OPEN_PAREN, TokenKind } from './tokenize.ts';
import { isOneOf, isWord, wordAt } from './words.ts';

/** For unreserved words that are constructs in one place and might be functions in another: is it that place? */
const CONSTRUCTS: ReadonlyMap<string, (text: SqlText, i: number, context: CallContext) => boolean> = new Map([
  // count(*) FILTER (…), … OVER (…)
  ['filter', followsCall],
  ['over', followsCall],
  ['by', (text: SqlText, i: number) => isOneOf(text, i - 1, ['group', 'order', 'partition'])],
  ['sets', (text: SqlText, i: number) => isWord(text, i - 1, 'grouping')],
  ['rollup', followsGroupBy],
  ['cube', followsGroupBy],
  // WITH x AS NOT MATERIALIZED (…)
  ['materialized', (text: SqlText, i: number) => isWord(text, i - 1, 'not') && isWord(text, i - 2, 'as')],
  // DO UPDATE SET (a, b) = …; UPDATE t SET (…) is marked by enterUpdate
  ['set', (text: SqlText, i: number) => isWord(text, i - 1, 'update')],
  ['insert', isMergeInsert],
  ['conflict', isConflictTarget],
  ['varying', (text: SqlText, i: number) => isOneOf(text, i - 1, ['character', 'char', 'nchar', 'bit'])],
  ['zone', (text: SqlText, i: number) => isWord(text, i - 1, 'time') && isWord(text, i - 2, 'at')],
  ['first', (text: SqlText, i: number) => isWord(text, i - 1, 'fetch')],
  ['next', (text: SqlText, i: number) => isWord(text, i - 1, 'fetch')],
  ['join', (text: SqlText, i: number) => isOneOf(text, i - 1, JOIN_KINDS) || opensQuery(text, i + 1)],
  ['operator', isBuiltInOperator],
  ['bernoulli', (text: SqlText, i: number) => isWord(text, i - 1, 'tablesample')],
  ['system', (text: SqlText, i: number) => isWord(text, i - 1, 'tablesample')],
]);

const BEFORE_NAME: readonly string[] = ['as', 'into'];
const INTO_VERBS: readonly string[] = ['insert', 'merge'];
const QUERY_VERBS: readonly string[] = ['select', 'values'];
const JOIN_KINDS: readonly string[] = ['left', 'right', 'full', 'inner', 'outer', 'cross', 'natural'];

/** What the scan of one statement has seen so far and calls depend on. */
export class CallContext {
  private readonly text: SqlText;
  /** A JOIN or MERGE came by, so that "ON conflict (…)" may be its condition. */
  hasJoin = false;

  constructor(text: SqlText, verb: number) {
    this.text = text;
    text.marks[verb]! |= Mark.verb;
  }

  /** Whether the identifier `i`, "(" behind it, its qualified name starting at token `start`, is certainly not called. */
  isNoCall(i: number, start: number): boolean {
    const { text } = this;
    if ((text.marks[i]! & Mark.noCall) !== 0) return true;
    // x::type(…), CAST(x AS type(…)), alias(…) and column definitions, INSERT INTO t(…)
    if (text.kinds[start - 1] === TokenKind.cast || isOneOf(text, start - 1, BEFORE_NAME)) return true;
    if (start !== i) return false;
    if (text.kinds[i] === TokenKind.word) {
      const word = wordAt(text, i);
      if (isNeverFunction(word)) {
        if (word === 'group' && isWord(text, i - 1, 'within')) text.marks[i + 1]! |= Mark.call;
        return true;
      }
      if (CONSTRUCTS.get(word)?.(text, i, this) === true) {
        if (word === 'filter') text.marks[i + 1]! |= Mark.call;
        return true;
      }
    }
    return isAlias(text, i);
  }

  noteCall(openParen: number): void {
    this.text.marks[openParen]! |= Mark.call;
  }

  noteHarmlessCall(openParen: number): void {
    this.text.marks[openParen]! |= Mark.call | Mark.harmlessCall;
  }

  /** Whether token `i` is the verb INSERT or MERGE. As a mere column name it may stand before SELECT's INTO. */
  isInsertOrMerge(i: number): boolean {
    const { text } = this;
    if (!isOneOf(text, i, INTO_VERBS)) return false;
    return this.isVerb(i) || text.kinds[i - 1] === OPEN_PAREN;
  }

  /** Whether token `i` is known to be a verb from where it stands. */
  isVerb(i: number): boolean {
    return (this.text.marks[i]! & Mark.verb) !== 0;
  }

  /** WITH [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (query) [, …] verb: marks the names and the verb. */
  enterWith(withToken: number): void {
    const { text } = this;
    let at = isWord(text, withToken + 1, 'recursive') ? withToken + 2 : withToken + 1;
    // f(x) WITH ORDINALITY AS …
    if (isWord(text, at, 'ordinality')) return;
    for (;;) {
      const name = at;
      if (!isIdentifier(text, at)) return;
      at = text.kinds[at + 1] === OPEN_PAREN ? text.partners[at + 1]! + 1 : at + 1;
      if (at === 0 || !isWord(text, at, 'as')) return;
      at++;
      if (isWord(text, at, 'not')) at++;
      if (isWord(text, at, 'materialized')) at++;
      if (text.kinds[at] !== OPEN_PAREN || text.partners[at]! < 0) return;
      text.marks[name]! |= Mark.noCall;
      at = text.partners[at]! + 1;
      // SEARCH and CYCLE clauses are left alone: the verb stays unmarked, which is the careful side.
      if (text.kinds[at] !== COMMA) break;
      at++;
    }
    if (at < text.count) text.marks[at]! |= Mark.verb;
  }

  /** UPDATE [ONLY] table [*] [[AS] alias] SET (…): marks that SET. */
  enterUpdate(update: number): void {
    const { text } = this;
    if (!isWord(text, update, 'update')) return;
    let at = isWord(text, update + 1, 'only') ? update + 2 : update + 1;
    if (!isIdentifier(text, at)) return;
    while (text.kinds[at + 1] === DOT) at += 2;
    at++;
    if (isWord(text, at, 'as')) at++;
    if (!isWord(text, at, 'set') && isIdentifier(text, at)) at++;
    if (isWord(text, at, 'set')) text.marks[at]! |= Mark.noCall;
  }
}

function isCallEnd(text: SqlText, i: number, mark: number): boolean {
  const open = text.kinds[i] === CLOSE_PAREN ? text.partners[i]! : -1;
  return open >= 0 && (text.marks[open]! & mark) !== 0;
}

/**
 * FROM f(x) alias(…), FROM (SELECT …) alias(…), WITH ORDINALITY alias(…). Not after every ")": DISTINCT ON (a) f(x) calls f,
 * and so may what stands behind the parentheses of constructs yet to be invented.
 */
function isAlias(text: SqlText, i: number): boolean {
  if (isCallEnd(text, i - 1, Mark.harmlessCall)) return true;
  if (text.kinds[i - 1] === CLOSE_PAREN && opensQuery(text, text.partners[i - 1]!)) return true;
  return isWord(text, i - 1, 'ordinality') && isWord(text, i - 2, 'with') && text.kinds[i - 3] === CLOSE_PAREN;
}

function opensQuery(text: SqlText, openParen: number): boolean {
  return openParen >= 0 && isOneOf(text, openParen + 1, QUERY_VERBS);
}

function followsCall(text: SqlText, i: number): boolean {
  return isCallEnd(text, i - 1, Mark.call);
}

function followsGroupBy(text: SqlText, i: number): boolean {
  return isWord(text, i - 1, 'by') && isWord(text, i - 2, 'group');
}

// MERGE … WHEN NOT MATCHED THEN INSERT (a, b) VALUES …
function isMergeInsert(text: SqlText, i: number): boolean {
  const after = text.partners[i + 1]! + 1;
  return isWord(text, i - 1, 'then') && after > 0 && isOneOf(text, after, ['values', 'overriding']);
}

// INSERT … ON CONFLICT (a, b) DO …
function isConflictTarget(text: SqlText, i: number, context: CallContext): boolean {
  if (!isWord(text, i - 1, 'on')) return false;
  const after = text.partners[i + 1]! + 1;
  return !context.hasJoin || (after > 0 && isWord(text, after, 'do'));
}

// OPERATOR(pg_catalog.+), as psql and the information schema write it
function isBuiltInOperator(text: SqlText, i: number): boolean {
  return (
    text.partners[i + 1] === i + 5 &&
    text.sql.slice(text.starts[i + 2], text.ends[i + 2]) === 'pg_catalog' &&
    text.kinds[i + 3] === DOT &&
    text.kinds[i + 4] === TokenKind.operator &&
    text.sql.slice(text.starts[i + 4], text.ends[i + 4]) !== '*'
  );
}
