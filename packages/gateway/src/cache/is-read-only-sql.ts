import { withoutLeadingSpace } from '../leading-space.ts';

/**
 * Whether a text of SQL only reads, as far as its words tell. No parser: a text that looks like anything else, if only
 * inside a string, is simply not cached. What functions do is for the caller to know who asks for caching.
 */
export function isReadOnlySql(sql: string): boolean {
  const text = withoutLeadingSpace(sql);
  // By hand: a pattern would begin anew at each character of white space inside.
  let end = text.length;
  while (end > 0 && /[;\s]/.test(text[end - 1]!)) end--;
  return firstWord.test(text) && !suspicious.test(text.slice(0, end));
}

const firstWord = /^(?:select|values|table|with|show)\b|^\(/i;
/** A second statement, something that writes, locks, or gives another answer each time it is asked for on purpose. */
const suspicious =
  /;|\b(?:insert|update|delete|merge|into|call|copy|nextval|setval|currval|lastval|set_config|pg_advisory\w*|pg_try_advisory\w*|pg_notify)\b|\bfor\s+(?:no\s+key\s+update|key\s+share|share)\b/i;
