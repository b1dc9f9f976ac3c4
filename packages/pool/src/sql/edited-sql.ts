/** A text with some places of it replaced, and the way back from positions in it to the text as it was. */

/** A place of the original (UTF-16 offsets) and what stands there instead. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

export interface EditedSql {
  readonly sql: string;
  readonly original: string;
  /** In the order of the text. */
  readonly edits: readonly Edit[];
}

/** `edits` in the order of the text, not overlapping. */
export function editSql(original: string, edits: readonly Edit[]): EditedSql {
  let sql = '';
  let from = 0;
  for (const { start, end, replacement } of edits) {
    sql += original.slice(from, start) + replacement;
    from = end;
  }
  return { sql: sql + original.slice(from), original, edits };
}

/** Where in the original the character `position` of the edited text is (counted from 1, as Postgres does in errors). */
export function originalPosition({ sql, original, edits }: EditedSql, position: number): number {
  const offset = offsetOf(sql, position - 1);
  let shift = 0;
  for (const { start, end, replacement } of edits) {
    if (offset < start + shift) break;
    if (offset < start + shift + replacement.length) return charactersIn(original, start) + 1;
    shift += replacement.length - (end - start);
  }
  return charactersIn(original, offset - shift) + 1;
}

/** UTF-16 units that the first `count` characters take. */
function offsetOf(text: string, count: number): number {
  let offset = 0;
  for (let i = 0; i < count && offset < text.length; i++) offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return offset;
}

function charactersIn(text: string, end: number): number {
  let count = 0;
  for (let offset = 0; offset < end; count++) offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return count;
}
