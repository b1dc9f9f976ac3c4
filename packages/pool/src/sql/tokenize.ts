/**
 * Cuts SQL text into tokens exactly where Postgres' own scanner does (src/backend/parser/scan.l), so that what a literal
 * or a comment hides is hidden, and what it does not hide is seen. Nothing is copied: a token is a kind and two offsets.
 * Linear in the text, never throws. Offsets are UTF-16 indexes.
 */

/** What a token is. Punctuation `( ) [ ] , ; . :` has its own character code as kind, so every kind here is below 32. */
export const TokenKind = {
  word: 1, // an unquoted identifier or a keyword
  quotedIdentifier: 2,
  unicodeIdentifier: 3, // U&"…", escapes not yet decoded
  string: 4, // '…' and N'…'
  escapeString: 5, // E'…'
  unicodeString: 6, // U&'…'
  bitString: 7, // B'…' and X'…'
  dollarString: 8,
  parameter: 9, // $1
  number: 10,
  operator: 11,
  cast: 12, // ::
  other: 13, // what no SQL contains: Postgres answers with a syntax error
} as const;

export const OPEN_PAREN = 40;
export const CLOSE_PAREN = 41;
export const COMMA = 44;
export const DOT = 46;
export const SEMICOLON = 59;
export const OPEN_BRACKET = 91;
export const CLOSE_BRACKET = 93;

/** The tokens of one text as parallel arrays; entries from `count` on mean nothing. */
export interface Tokens {
  readonly sql: string;
  readonly count: number;
  readonly kinds: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** A literal, quoted identifier or comment that never ends: Postgres refuses the whole text. */
  readonly isUnterminated: boolean;
  /**
   * Postgres may see other token borders than these: a backslash stands before a quote of a plain '…' literal (the border
   * depends on standard_conforming_strings), the text holds a NUL, or bytes that could not be decoded (U+FFFD).
   */
  readonly isAmbiguous: boolean;
}

export interface TokenizeOptions {
  /** Read plain '…' literals as if standard_conforming_strings were off. Default false. */
  readonly backslashQuotes?: boolean;
}

const QUOTE = 39;
const DOUBLE_QUOTE = 34;
const BACKSLASH = 92;
const DOLLAR = 36;
const COLON = 58;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

const SPACE_CHAR = 1;
const LETTER = 2;
const DIGIT = 3;
const OPERATOR = 4;
const PUNCTUATION = 5;

const CLASSES: Uint8Array = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(128);
  const fill = (characters: string, value: number): void => {
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = value;
  };
  fill(' \t\n\r\f\v', SPACE_CHAR);
  fill('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', LETTER);
  fill('0123456789', DIGIT);
  fill('~!@#^&|`?+-*/%<>=', OPERATOR);
  fill('()[],;.:', PUNCTUATION);
  return table;
}

// Postgres counts every byte above 127 as a letter, U+00A0 and U+2028 included.
function classOf(code: number): number {
  return code < 128 ? CLASSES[code]! : LETTER;
}

function isIdentifierPart(code: number): boolean {
  return code >= 128 || CLASSES[code] === LETTER || CLASSES[code] === DIGIT || code === DOLLAR;
}

/** Tokens of `sql`; see {@link Tokens}. */
export function tokenize(sql: string, options?: TokenizeOptions): Tokens {
  return new Scanner(sql, options?.backslashQuotes === true).run();
}

class Scanner {
  private readonly sql: string;
  private readonly plainKind: number;
  private kinds: Uint8Array;
  private starts: Int32Array;
  private ends: Int32Array;
  private count = 0;
  private isUnterminated = false;
  private isAmbiguous: boolean;

  constructor(sql: string, backslashQuotes: boolean) {
    this.sql = sql;
    this.plainKind = backslashQuotes ? TokenKind.escapeString : TokenKind.string;
    const capacity = 16 + (sql.length >> 2);
    this.kinds = new Uint8Array(capacity);
    this.starts = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
    this.isAmbiguous = sql.includes('\0') || sql.includes('\ufffd');
  }

  run(): Tokens {
    const sql = this.sql;
    const length = sql.length;
    let at = 0;
    while (at < length) {
      const code = sql.charCodeAt(at);
      const start = at;
      switch (classOf(code)) {
        case SPACE_CHAR:
          at++;
          continue;
        case LETTER:
          at = this.word(start, code);
          continue;
        case DIGIT:
          at = this.number(start);
          continue;
        case OPERATOR: {
          const next = sql.charCodeAt(at + 1);
          if (code === 45 && next === 45) at = this.lineCommentEnd(at + 2);
          else if (code === 47 && next === 42) at = this.blockCommentEnd(at + 2);
          else at = this.push(TokenKind.operator, start, this.operatorEnd(at + 1));
          continue;
        }
        case PUNCTUATION:
          if (code === DOT && CLASSES[sql.charCodeAt(at + 1)] === DIGIT) at = this.number(start);
          else if (code === COLON && sql.charCodeAt(at + 1) === COLON) at = this.push(TokenKind.cast, start, at + 2);
          else at = this.push(code, start, at + 1);
          continue;
        default:
          if (code === QUOTE) at = this.literal(this.plainKind, start, at + 1);
          else if (code === DOUBLE_QUOTE) at = this.quoted(TokenKind.quotedIdentifier, start, at + 1);
          else if (code === DOLLAR) at = this.dollar(start);
          else at = this.push(TokenKind.other, start, at + 1);
      }
    }
    const { count, kinds, starts, ends, isUnterminated, isAmbiguous } = this;
    return { sql, count, kinds, starts, ends, isUnterminated, isAmbiguous };
  }

  private push(kind: number, start: number, end: number): number {
    if (this.count === this.kinds.length) this.grow();
    this.kinds[this.count] = kind;
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
    return end;
  }

  private grow(): void {
    const capacity = this.kinds.length * 2;
    const kinds = new Uint8Array(capacity);
    kinds.set(this.kinds);
    this.kinds = kinds;
    const starts = new Int32Array(capacity);
    starts.set(this.starts);
    this.starts = starts;
    const ends = new Int32Array(capacity);
    ends.set(this.ends);
    this.ends = ends;
  }

  private unterminated(): number {
    this.isUnterminated = true;
    return this.sql.length;
  }

  /** An identifier, unless the letter introduces a literal: E'' N'' B'' X'' U&'' U&"". */
  private word(start: number, code: number): number {
    const sql = this.sql;
    const next = sql.charCodeAt(start + 1);
    if (next === QUOTE) {
      const letter = code | 32;
      if (letter === 101) return this.literal(TokenKind.escapeString, start, start + 2);
      if (letter === 110) return this.literal(this.plainKind, start, start + 2);
      if (letter === 98 || letter === 120) return this.literal(TokenKind.bitString, start, start + 2);
    } else if (next === 38 && (code | 32) === 117) {
      const quote = sql.charCodeAt(start + 2);
      if (quote === QUOTE) return this.literal(TokenKind.unicodeString, start, start + 3);
      if (quote === DOUBLE_QUOTE) return this.quoted(TokenKind.unicodeIdentifier, start, start + 3);
    }
    let at = start + 1;
    while (at < sql.length && isIdentifierPart(sql.charCodeAt(at))) at++;
    return this.push(TokenKind.word, start, at);
  }

  /**
   * Digits, fraction, exponent. What follows at once ("1and") becomes a token of its own, as in Postgres before 15; later
   * versions refuse such a text, as they accept 0xff and 1_000, which come out as two tokens here: neither hides anything.
   */
  private number(start: number): number {
    const sql = this.sql;
    let at = this.digitsEnd(start);
    if (sql.charCodeAt(at) === DOT && sql.charCodeAt(at + 1) !== DOT) at = this.digitsEnd(at + 1);
    if ((sql.charCodeAt(at) | 32) === 101) {
      const sign = sql.charCodeAt(at + 1);
      const digits = sign === 43 || sign === 45 ? at + 2 : at + 1;
      const end = this.digitsEnd(digits);
      if (end > digits) at = end;
    }
    return this.push(TokenKind.number, start, at);
  }

  private digitsEnd(from: number): number {
    let at = from;
    while (CLASSES[this.sql.charCodeAt(at)] === DIGIT) at++;
    return at;
  }

  private operatorEnd(from: number): number {
    const sql = this.sql;
    for (let at = from; ; at++) {
      const code = sql.charCodeAt(at);
      if (!(CLASSES[code] === OPERATOR)) return at;
      const next = sql.charCodeAt(at + 1);
      if ((code === 45 && next === 45) || (code === 47 && next === 42)) return at;
    }
  }

  private lineCommentEnd(from: number): number {
    const sql = this.sql;
    for (let at = from; at < sql.length; at++) {
      const code = sql.charCodeAt(at);
      if (code === NEWLINE || code === CARRIAGE_RETURN) return at;
    }
    return sql.length;
  }

  private blockCommentEnd(from: number): number {
    const sql = this.sql;
    let depth = 1;
    for (let at = from; at < sql.length; at++) {
      const code = sql.charCodeAt(at);
      if (code === 42 && sql.charCodeAt(at + 1) === 47) {
        at++;
        if (--depth === 0) return at + 1;
      } else if (code === 47 && sql.charCodeAt(at + 1) === 42) {
        at++;
        depth++;
      }
    }
    return this.unterminated();
  }

  private quoted(kind: number, start: number, from: number): number {
    const sql = this.sql;
    for (let at = from; ; at++) {
      at = sql.indexOf('"', at);
      if (at < 0) return this.push(kind, start, this.unterminated());
      if (sql.charCodeAt(at + 1) !== DOUBLE_QUOTE) return this.push(kind, start, at + 1);
      at++;
    }
  }

  /** A '…' literal with all its continuations ('a' newline 'b' is one literal, read in the manner of its first part). */
  private literal(kind: number, start: number, from: number): number {
    for (let at = from; ; ) {
      const end = this.literalPartEnd(kind, at);
      if (end < 0) return this.push(kind, start, this.unterminated());
      at = this.continuation(end);
      if (at < 0) return this.push(kind, start, end);
    }
  }

  private literalPartEnd(kind: number, from: number): number {
    const sql = this.sql;
    const hasEscapes = kind === TokenKind.escapeString;
    let isAfterBackslash = false;
    for (let at = from; at < sql.length; at++) {
      const code = sql.charCodeAt(at);
      if (code === QUOTE) {
        if (isAfterBackslash) {
          // With standard_conforming_strings off this quote would not count.
          if (!hasEscapes) this.isAmbiguous = true;
          else {
            isAfterBackslash = false;
            continue;
          }
        }
        // In B'' and X'' a doubled quote ends one literal and starts the next.
        if (kind === TokenKind.bitString || sql.charCodeAt(at + 1) !== QUOTE) return at + 1;
        at++;
        isAfterBackslash = false;
      } else isAfterBackslash = code === BACKSLASH && !isAfterBackslash;
    }
    return -1;
  }

  /** Behind the opening quote of a continuation of the literal that ended at `end`, or -1. At least one newline is needed. */
  private continuation(end: number): number {
    const sql = this.sql;
    let hasNewline = false;
    for (let at = end; at < sql.length; ) {
      const code = sql.charCodeAt(at);
      if (CLASSES[code] === SPACE_CHAR) {
        if (code === NEWLINE || code === CARRIAGE_RETURN) hasNewline = true;
        at++;
      } else if (code === 45 && sql.charCodeAt(at + 1) === 45) at = this.lineCommentEnd(at + 2);
      else return code === QUOTE && hasNewline ? at + 1 : -1;
    }
    return -1;
  }

  /** $1, $$…$$ or $tag$…$tag$. */
  private dollar(start: number): number {
    const sql = this.sql;
    let at = start + 1;
    const first = sql.charCodeAt(at);
    if (CLASSES[first] === DIGIT) return this.push(TokenKind.parameter, start, this.digitsEnd(at));
    if (first !== DOLLAR) {
      if (!(first >= 128 || CLASSES[first] === LETTER)) return this.push(TokenKind.other, start, at);
      while (at < sql.length && sql.charCodeAt(at) !== DOLLAR && isIdentifierPart(sql.charCodeAt(at))) at++;
      if (sql.charCodeAt(at) !== DOLLAR) return this.push(TokenKind.other, start, start + 1);
    }
    const delimiter = sql.slice(start, at + 1);
    const close = sql.indexOf(delimiter, at + 1);
    if (close < 0) return this.push(TokenKind.dollarString, start, this.unterminated());
    return this.push(TokenKind.dollarString, start, close + delimiter.length);
  }
}
