import { endOfComment } from '@postern/prisma-mapping';

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
