/** The text of a Postgres array as nested JS arrays. */
import { PosternError } from '../postern-error.ts';

/** A quoted element and what is between the quotes; a bare element; a brace. Commas stay as they are. */
const token = /"([^"\\]*(?:\\.[^"\\]*)*)"|[^,{}]+|[{}]/gs;

/** `text` as Postgres writes it (any dimensions, delimiter `,`); NULL is null, everything else goes through `parse`. */
export function parseArray(text: string, parse: (element: string) => unknown): unknown[] {
  // By way of JSON, behind the bounds: [0:2]={…}
  const json = text.slice(text.indexOf('{')).replace(token, (all: string, quoted?: string) => {
    if (quoted !== undefined) return JSON.stringify(quoted.replace(/\\(.)/gs, '$1'));
    return all === '{' ? '[' : all === '}' ? ']' : all === 'NULL' ? 'null' : JSON.stringify(all);
  });
  let elements: unknown;
  try {
    elements = JSON.parse(json);
  } catch {
    throw new PosternError('malformed array literal', { kind: 'protocol' });
  }
  const convert = (element: unknown): unknown =>
    Array.isArray(element) ? element.map(convert) : element === null ? null : parse(element as string);
  return convert(elements) as unknown[];
}
