/**
 * Where a block comment of SQL ends, of which `from` is just behind the beginning. Comments nest; one that does not end hides all
 * the rest. Not one pattern: that would need memory for each character.
 */
export function endOfComment(sql: string, from: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from;
  let depth = 1;
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}
