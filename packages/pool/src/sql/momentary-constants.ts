/**
 * Constants that mean what they do at the moment when Postgres reads them, which is when it parses the text: 'now' and its
 * kind as a date or time, names of catalogue objects as regtype, regproc …. The same text parsed later is another statement.
 */
import type { SqlText } from './sql-text.ts';
import { TokenKind } from './tokenize.ts';

/** What date and time input reads as a time of its own. */
const momentWords = /\b(?:now|today|tomorrow|yesterday)\b/i;
/** Types whose input looks a name up. Not regclass: Postgres notes those and parses anew when the relation is gone. */
const nameTypes = /\breg(?:type|proc|procedure|oper|operator|role|namespace|config|dictionary|collation)\b/i;

/** Whether the text may have such constants. */
export function hasMomentaryConstant(text: SqlText): boolean {
  if (nameTypes.test(text.sql)) return true;
  if (!momentWords.test(text.sql)) return false;
  for (let i = 0; i < text.count; i++) {
    const kind = text.kinds[i]!;
    if (kind < TokenKind.string || kind > TokenKind.dollarString) continue;
    if (momentWords.test(text.sql.slice(text.starts[i], text.ends[i]))) return true;
  }
  return false;
}
