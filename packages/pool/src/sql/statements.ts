/**
 * Where statements begin and end in a text of several. A top-level ';' ends one, except between BEGIN ATOMIC and its END
 * in the body of a CREATE FUNCTION or CREATE PROCEDURE. (A ';' in parentheses belongs to CREATE RULE.)
 */
import { CLOSE_PAREN, DOT, OPEN_PAREN, SEMICOLON, TokenKind, type Tokens } from './tokenize.ts';
import { isWord } from './words.ts';

export interface Statements {
  /** Token indexes, pairwise: statement n is [statementFirsts[n], statementEnds[n]). Empty statements are left out. */
  readonly statementFirsts: readonly number[];
  readonly statementEnds: readonly number[];
  /** For the token of a parenthesis, the token of its partner. */
  readonly partners: Int32Array;
  /** Parentheses do not pair, or an atomic body does not end: Postgres refuses the whole text. */
  readonly isUnbalanced: boolean;
  /** There is a BEGIN ATOMIC body in the text. */
  readonly hasAtomicBody: boolean;
}

/** Splits a tokenized text. Linear. */
export function splitStatements(tokens: Tokens): Statements {
  const { count, kinds } = tokens;
  const partners = new Int32Array(count).fill(-1);
  const firsts: number[] = [];
  const ends: number[] = [];
  const open: number[] = [];
  let isUnbalanced = false;
  let hasAtomicBody = false;
  let bodyDepth = 0; // BEGIN ATOMIC and CASE not yet ended
  let first = 0;
  let mayHaveBody = isCreateRoutine(tokens, 0);
  for (let i = 0; i < count; i++) {
    const kind = kinds[i];
    if (kind === OPEN_PAREN) open.push(i);
    else if (kind === CLOSE_PAREN) {
      const partner = open.pop();
      if (partner === undefined) isUnbalanced = true;
      else {
        partners[i] = partner;
        partners[partner] = i;
      }
    } else if (kind === SEMICOLON) {
      if (open.length > 0 || bodyDepth > 0) continue;
      if (i > first) {
        firsts.push(first);
        ends.push(i);
      }
      first = i + 1;
      mayHaveBody = isCreateRoutine(tokens, first);
    } else if (mayHaveBody && kind === TokenKind.word && open.length === 0) {
      if (isWord(tokens, i, 'begin') && isWord(tokens, i + 1, 'atomic')) {
        bodyDepth++;
        hasAtomicBody = true;
      } else if (bodyDepth > 0 && !isLabel(tokens, i)) {
        if (isWord(tokens, i, 'case')) bodyDepth++;
        else if (isWord(tokens, i, 'end')) bodyDepth--;
      }
    }
  }
  if (count > first) {
    firsts.push(first);
    ends.push(count);
  }
  if (open.length > 0 || bodyDepth > 0) isUnbalanced = true;
  return { statementFirsts: firsts, statementEnds: ends, partners, isUnbalanced, hasAtomicBody };
}

function isCreateRoutine(tokens: Tokens, first: number): boolean {
  if (!isWord(tokens, first, 'create')) return false;
  const at = isWord(tokens, first + 1, 'or') && isWord(tokens, first + 2, 'replace') ? first + 3 : first + 1;
  return isWord(tokens, at, 'function') || isWord(tokens, at, 'procedure');
}

// "x.end" and "1 AS end": any keyword may be a label.
function isLabel(tokens: Tokens, i: number): boolean {
  return tokens.kinds[i - 1] === DOT || isWord(tokens, i - 1, 'as');
}
