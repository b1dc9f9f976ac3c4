/** The text of a Postgres array as nested JS arrays. In small tokens: regular expressions run out of stack on long ones. */
import { protocolError } from '../postern-error.ts';

/** `text` as Postgres writes it (any dimensions, delimiter `,`); NULL is null, everything else goes through `parse`. */
export function parseArray(text: string, parse: (element: string) => unknown): unknown[] {
  /** Lists that are not closed yet, the outermost first. */
  const open: unknown[][] = [];
  let element: string | undefined;
  let isQuoted = false;
  let wasQuoted = false;
  // Behind the bounds, [0:2]=.
  for (const [token] of text.replace(/^[^{]+/, '').matchAll(/\\.|[{},"]|[^\\{},"]+/gs)) {
    if (token === '"') {
      isQuoted = !isQuoted;
      wasQuoted = true;
      element ??= '';
    } else if (isQuoted) element += token.replace(/^\\/, '');
    else if (token === '{') open.push([]);
    else if (token !== ',' && token !== '}') element = token;
    else {
      const list = open.at(-1);
      if (element !== undefined) list?.push(wasQuoted || element !== 'NULL' ? parse(element) : null);
      element = undefined;
      wasQuoted = false;
      if (token === '}' && list) {
        open.pop();
        if (!open[0]) return list;
        open.at(-1)?.push(list);
      }
    }
  }
  throw protocolError('malformed array literal');
}
