/** Keywords among the tokens: unquoted, in any case. Comparing allocates nothing. */
import { foldCase } from './identifiers.ts';
import { TokenKind, type Tokens } from './tokenize.ts';

/** Whether token `i` is the unquoted word `word`, which must be in lower-case letters only. */
export function isWord(tokens: Tokens, i: number, word: string): boolean {
  if (i < 0 || i >= tokens.count || tokens.kinds[i] !== TokenKind.word) return false;
  const start = tokens.starts[i]!;
  if (tokens.ends[i]! - start !== word.length) return false;
  for (let k = 0; k < word.length; k++) {
    // A letter and the bit that makes it lower case; no identifier character but a letter becomes one by that.
    if ((tokens.sql.charCodeAt(start + k) | 32) !== word.charCodeAt(k)) return false;
  }
  return true;
}

/** Whether token `i` is one of `words`. */
export function isOneOf(tokens: Tokens, i: number, words: readonly string[]): boolean {
  for (const word of words) if (isWord(tokens, i, word)) return true;
  return false;
}

/** Token `i` folded if it is an unquoted word, else the empty string. */
export function wordAt(tokens: Tokens, i: number): string {
  if (i < 0 || i >= tokens.count || tokens.kinds[i] !== TokenKind.word) return '';
  return foldCase(tokens.sql.slice(tokens.starts[i], tokens.ends[i]));
}
