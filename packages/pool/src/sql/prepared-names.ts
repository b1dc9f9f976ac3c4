/** Prepared statements named in SQL text: PREPARE, EXECUTE, DEALLOCATE. They share one name space with Parse and Close. */
import { type Edit, type EditedSql, editSql } from './edited-sql.ts';
import { identifierName, isIdentifier, quoteIdentifier } from './identifiers.ts';
import { isNeverName } from './keywords.ts';
import type { SqlText } from './sql-text.ts';
import { OPEN_PAREN, TokenKind } from './tokenize.ts';
import { isWord, wordAt } from './words.ts';

/** Where a name stands in the text (UTF-16 offsets), and in which statement (counted from 0, empty ones left out). */
export interface NamePlace {
  readonly name: string;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly statement: number;
}

/** PREPARE name [(types)] AS body. `types` is the text between the parentheses. */
export interface PrepareMention extends NamePlace {
  readonly kind: 'prepare';
  readonly types: string | undefined;
  readonly body: string;
}

/** EXECUTE name, EXPLAIN … EXECUTE name, CREATE TABLE … AS EXECUTE name; DEALLOCATE [PREPARE] name. */
export interface UseMention extends NamePlace {
  readonly kind: 'execute' | 'deallocate';
}

export interface DeallocateAllMention {
  readonly kind: 'deallocate-all';
  readonly statement: number;
}

export type PreparedMention = PrepareMention | UseMention | DeallocateAllMention;

/** A PREPARE taken apart: what it names and the first token of the statement behind AS. */
export interface ParsedPrepare {
  readonly mention: PrepareMention;
  readonly bodyFirst: number;
}

/** `first` is the token PREPARE. undefined: not in the form Postgres accepts. */
export function parsePrepare(text: SqlText, first: number, end: number, statement: number): ParsedPrepare | undefined {
  const place = namePlace(text, first + 1, end, statement);
  if (place === undefined) return undefined;
  let at = first + 2;
  let types: string | undefined;
  if (text.kinds[at] === OPEN_PAREN) {
    const close = text.partners[at]!;
    if (close < 0) return undefined;
    types = text.sql.slice(text.ends[at], text.starts[close]);
    at = close + 1;
  }
  const bodyFirst = at + 1;
  if (!isWord(text, at, 'as') || bodyFirst >= end) return undefined;
  const body = text.sql.slice(text.starts[bodyFirst], text.ends[end - 1]);
  return { mention: { kind: 'prepare', ...place, types, body }, bodyFirst };
}

/** `first` is the token EXECUTE. */
export function parseExecute(text: SqlText, first: number, end: number, statement: number): UseMention | undefined {
  const place = namePlace(text, first + 1, end, statement);
  return place && { kind: 'execute', ...place };
}

/** `first` is the token DEALLOCATE. */
export function parseDeallocate(
  text: SqlText,
  first: number,
  end: number,
  statement: number,
): UseMention | DeallocateAllMention | undefined {
  // PREPARE is a noise word here, unless it is the name.
  const at = isWord(text, first + 1, 'prepare') && end > first + 2 ? first + 2 : first + 1;
  if (at + 1 !== end) return undefined;
  if (isWord(text, at, 'all')) return { kind: 'deallocate-all', statement };
  const place = namePlace(text, at, end, statement);
  return place && { kind: 'deallocate', ...place };
}

function namePlace(text: SqlText, i: number, end: number, statement: number): NamePlace | undefined {
  if (i >= end || !isIdentifier(text, i) || isNeverName(wordAt(text, i))) return undefined;
  // The name could not be put in place of the other: its escape character stands behind it.
  if (text.kinds[i] === TokenKind.unicodeIdentifier && isWord(text, i + 1, 'uescape')) return undefined;
  return { name: identifierName(text, i), nameStart: text.starts[i]!, nameEnd: text.ends[i]!, statement };
}

/**
 * `sql` with each name in `prepared` replaced by what `serverName` answers, quoted. `prepared` must come from the same
 * text. DEALLOCATE ALL names nothing and stays as it is.
 */
export function rewritePreparedNames(
  sql: string,
  traits: { readonly prepared: readonly PreparedMention[] },
  serverName: (name: string, kind: PreparedMention['kind']) => string,
): EditedSql {
  const edits: Edit[] = [];
  for (const mention of traits.prepared) {
    if (mention.kind === 'deallocate-all') continue;
    const replacement = quoteIdentifier(serverName(mention.name, mention.kind));
    edits.push({ start: mention.nameStart, end: mention.nameEnd, replacement });
  }
  return editSql(sql, edits);
}
