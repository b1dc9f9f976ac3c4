/** What can be said about one call of set_config(name, value, is_local) without running it. */
import { foldCase } from './identifiers.ts';
import type { SqlText } from './sql-text.ts';
import { CLOSE_BRACKET, COMMA, OPEN_BRACKET, OPEN_PAREN, TokenKind } from './tokenize.ts';
import { isOneOf, isWord } from './words.ts';

export interface SetConfigCall {
  /** The setting, if its name is written as a constant. */
  readonly name: string | undefined;
  /** The number of the parameter that is the name. */
  readonly parameter: number | undefined;
  /** is_local may be false. */
  readonly mayLast: boolean;
  /** is_local is certainly true, and the setting is one that the end of the transaction sets back. */
  readonly isLocal: boolean;
  /** The value may be NULL, which sets the setting back to its default. */
  readonly resets: boolean;
  readonly permanent: string | undefined;
}

// What boolin() takes for true; prefixes of "true" and "yes" too.
const TRUE_TEXTS: ReadonlySet<string> = new Set(['t', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on', '1']);

const UNKNOWN: SetConfigCall = {
  name: undefined,
  parameter: undefined,
  mayLast: true,
  isLocal: false,
  resets: true,
  permanent: undefined,
};

/** Reads the arguments behind the "(" at token `open`. */
export function readSetConfig(text: SqlText, open: number): SetConfigCall {
  const close = text.partners[open]!;
  if (close < 0) return UNKNOWN;
  const starts = argumentStarts(text, open, close);
  if (starts.length !== 3) return UNKNOWN;
  const [nameStart, valueStart, localStart] = starts as [number, number, number];
  const name = literalArgument(text, nameStart, valueStart - 1);
  const isSeed = name !== undefined && isSeedSetting(name);
  const mayLast = !isLiteralTrue(text, localStart, close);
  return {
    mayLast,
    name,
    parameter: parameterArgument(text, nameStart, valueStart - 1),
    // Setting the seed, even locally, seeds random() for good: rolling back does not restore its state.
    isLocal: name !== undefined && !isSeed && !mayLast,
    resets: literalArgument(text, valueStart, localStart - 1) === undefined,
    permanent: isSeed ? 'set_config(seed)' : undefined,
  };
}

/** Setting names are compared without case. */
export function isSeedSetting(name: string): boolean {
  return foldCase(name) === 'seed';
}

/** The tokens at which the arguments in (open, close) start. */
function argumentStarts(text: SqlText, open: number, close: number): number[] {
  const starts = [open + 1];
  let brackets = 0;
  for (let i = open + 1; i < close; i++) {
    const kind = text.kinds[i];
    if (kind === OPEN_PAREN) i = text.partners[i]!;
    else if (kind === OPEN_BRACKET) brackets++;
    else if (kind === CLOSE_BRACKET) brackets--;
    else if (kind === COMMA && brackets === 0) {
      starts.push(i + 1);
      if (starts.length > 3) return starts;
    }
  }
  return starts;
}

/** The value of tokens [start, end) if they are one plain literal, perhaps cast to text. */
function literalArgument(text: SqlText, start: number, end: number): string | undefined {
  return isOneToken(text, start, end) ? plainLiteral(text, start) : undefined;
}

/** The number of a parameter that is all of tokens [start, end), likewise. */
function parameterArgument(text: SqlText, start: number, end: number): number | undefined {
  if (!isOneToken(text, start, end) || text.kinds[start] !== TokenKind.parameter) return undefined;
  return Number(text.sql.slice(text.starts[start]! + 1, text.ends[start]));
}

function isOneToken(text: SqlText, start: number, end: number): boolean {
  const isCast = end === start + 3 && text.kinds[start + 1] === TokenKind.cast && isOneOf(text, start + 2, ['text']);
  return end === start + 1 || isCast;
}

function isLiteralTrue(text: SqlText, start: number, end: number): boolean {
  const isCast =
    end === start + 3 && text.kinds[start + 1] === TokenKind.cast && isOneOf(text, start + 2, ['bool', 'boolean']);
  if (end !== start + 1 && !isCast) return false;
  if (isWord(text, start, 'true')) return true;
  const literal = plainLiteral(text, start);
  return literal !== undefined && TRUE_TEXTS.has(foldCase(literal.trim()));
}

/** The value of a '…' literal that is the same whatever standard_conforming_strings says; nothing fancier. */
function plainLiteral(text: SqlText, i: number): string | undefined {
  if (text.kinds[i] !== TokenKind.string) return undefined;
  const raw = text.sql.slice(text.starts[i], text.ends[i]);
  const value = raw.slice(1, -1);
  return raw.startsWith("'") && !value.includes("'") && !value.includes('\\') ? value : undefined;
}
