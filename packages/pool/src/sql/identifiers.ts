/** The name an identifier token stands for, as Postgres computes it: unquoted, folded, cut to 63 bytes. */
import { TokenKind, type Tokens } from './tokenize.ts';

/** NAMEDATALEN - 1: longer identifiers are cut, silently but for a NOTICE. */
const MAX_NAME_BYTES = 63;

/** Whether token `i` is an identifier of any spelling (keywords count: only the grammar knows). */
export function isIdentifier(tokens: Tokens, i: number): boolean {
  const kind = tokens.kinds[i];
  return (
    i < tokens.count &&
    (kind === TokenKind.word || kind === TokenKind.quotedIdentifier || kind === TokenKind.unicodeIdentifier)
  );
}

/** The name token `i` stands for. Token `i` must be an identifier. */
export function identifierName(tokens: Tokens, i: number): string {
  const text = tokens.sql.slice(tokens.starts[i], tokens.ends[i]);
  switch (tokens.kinds[i]) {
    case TokenKind.quotedIdentifier:
      return truncateName(undouble(text.slice(1, -1)));
    case TokenKind.unicodeIdentifier:
      return truncateName(decodeUnicodeEscapes(undouble(text.slice(3, -1))));
    default:
      return truncateName(foldCase(text));
  }
}

/** `name` as a quoted identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * ASCII letters only, as Postgres does with multi-byte encodings. String.toLowerCase would also turn U+212A (Kelvin) into
 * "k" and so make a stranger's function look like a built-in one.
 */
export function foldCase(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 65 && code <= 90) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text;
}

function undouble(text: string): string {
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}

// \XXXX, \+XXXXXX and \\. Anything else Postgres refuses, so what becomes of it here does not matter.
function decodeUnicodeEscapes(text: string): string {
  return text.replace(/\\(?:\\|([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6}))/g, (whole, short?: string, long?: string) => {
    const digits = short ?? long;
    if (digits === undefined) return '\\';
    const code = Number.parseInt(digits, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function truncateName(name: string): string {
  if (name.length * 3 <= MAX_NAME_BYTES) return name;
  let bytes = 0;
  let units = 0;
  for (const character of name) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > MAX_NAME_BYTES) return name.slice(0, units);
    units += character.length;
  }
  return name;
}
