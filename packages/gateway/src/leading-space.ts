/** What may stand in front of a statement's first word, for frontends that look at that and parse nothing. */
export function withoutLeadingSpace(sql: string): string {
  return sql.replace(leadingSpace, '');
}

/** White space and comments; nested block comments end the match, and what follows is no first word. */
const leadingSpace = /^(?:\s+|--[^\n\r]*(?:[\n\r]|$)|\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\/)+/;
