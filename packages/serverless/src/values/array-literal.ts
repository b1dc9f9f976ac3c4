/** The text of a Postgres array as nested JS arrays. In small tokens: regular expressions run out of stack on long ones. */

/**
 * `text` as Postgres writes it (any dimensions, delimiter `,`); NULL is null, everything else goes through `parse`.
 * It is rewritten as JSON, whose parser also finds what is malformed: a SyntaxError.
 */
export function parseArray(text: string, parse: (element: string) => unknown): unknown[] {
  let isQuoted = false;
  const json = text
    .replace(/^[^{]+/, '') // the bounds, [0:2]=
    .replace(/\\.|[{},"]|[^\\{},"]+/gs, (token) => {
      if (token === '"') isQuoted = !isQuoted;
      // Postgres escapes quotes and backslashes only, as JSON does.
      else if (isQuoted) return token[0] === '\\' ? token : JSON.stringify(token).slice(1, -1);
      else if (token === 'NULL') return 'null';
      else if (token === '{') return '[';
      else if (token === '}') return ']';
      else if (token !== ',') return JSON.stringify(token);
      return token;
    });
  return JSON.parse(json, (_, value) => (typeof value === 'string' ? parse(value) : value)) as unknown[];
}
