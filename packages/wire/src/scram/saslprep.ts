/**
 * SASLprep (RFC 4013) as Postgres does it (src/common/saslprep.c): a password that it does not allow is not rejected but
 * used as it is, because the server cannot know the client's encoding.
 *
 * Not covered: Unicode data changes after 3.2 in NFKC itself, which the runtime brings (normalisation is stable by
 * Unicode policy, so no assigned character is affected).
 */
import { leftToRight, mappedToNothing, nonAsciiSpaces, prohibited, rightToLeft } from './saslprep-tables.ts';

/** First and last code point of each range, ascending. */
type RangeTable = readonly number[];

/** The form of `password` to hash. */
export function saslprep(password: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(password)) return password;
  if (/\p{Surrogate}/u.test(password)) return password; // not UTF-8 on the wire
  const spaces = rangesOf(nonAsciiSpaces);
  const dropped = rangesOf(mappedToNothing);
  const mapped: number[] = [];
  for (const character of password) {
    const code = character.codePointAt(0)!;
    if (includes(spaces, code)) mapped.push(0x20);
    else if (!includes(dropped, code)) mapped.push(code);
  }
  if (mapped.length === 0) return password;
  // Postgres checks the mapped text, not the normalised one.
  const forbidden = rangesOf(prohibited);
  if (mapped.some((code) => includes(forbidden, code)) || !isBidiConsistent(mapped)) return password;
  let text = '';
  for (const code of mapped) text += String.fromCodePoint(code);
  return text.normalize('NFKC');
}

/** RFC 3454 section 6: with any right-to-left character, no left-to-right one, and one at each end. */
function isBidiConsistent(codes: readonly number[]): boolean {
  const right = rangesOf(rightToLeft);
  if (!codes.some((code) => includes(right, code))) return true;
  const left = rangesOf(leftToRight);
  return includes(right, codes[0]!) && includes(right, codes.at(-1)!) && !codes.some((code) => includes(left, code));
}

function rangesOf(table: string): RangeTable {
  const ranges: number[] = [];
  let end = 0;
  for (const entry of table.split(' ')) {
    const [distance, more = '0'] = entry.split('.');
    const start = end + Number.parseInt(distance!, 36);
    end = start + Number.parseInt(more, 36);
    ranges.push(start, end);
  }
  return ranges;
}

function includes(ranges: RangeTable, code: number): boolean {
  for (let at = 0; at < ranges.length && ranges[at]! <= code; at += 2) {
    if (code <= ranges[at + 1]!) return true;
  }
  return false;
}
