/** What may stand in front of a statement's first word, for frontends that look at that and parse nothing. */
export function withoutLeadingSpace(sql: string): string {
  const piece = /\s+|--[^\n\r]*|\/\*/y;
  let at = 0;
  for (let found = piece.exec(sql); found !== null; found = piece.exec(sql)) {
    if (found[0] === '/*') piece.lastIndex = endOfComment(sql, piece.lastIndex);
    at = piece.lastIndex;
  }
  return sql.slice(at);
}

/** Comments nest; one that does not end hides all the rest. Not one pattern: that would need memory for each character. */
function endOfComment(sql: string, from: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from;
  let depth = 1;
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}
