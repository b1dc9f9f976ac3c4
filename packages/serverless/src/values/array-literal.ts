/** The text of a Postgres array as nested JS arrays. By hand: regular expressions run out of stack on long elements. */
import { PosternError } from '../postern-error.ts';

/** `text` as Postgres writes it (any dimensions, delimiter `,`); NULL is null, everything else goes through `parse`. */
export function parseArray(text: string, parse: (element: string) => unknown): unknown[] {
  let at = text.indexOf('{'); // behind the bounds, [0:2]=
  const fail = (): never => {
    throw new PosternError('malformed array literal', { kind: 'protocol' });
  };

  function quoted(): string {
    let element = '';
    let start = ++at;
    for (; text[at] !== '"'; at++) {
      if (at >= text.length) fail();
      if (text[at] === '\\') {
        element += text.slice(start, at);
        start = ++at;
      }
    }
    return element + text.slice(start, at++);
  }

  function bare(): unknown {
    const start = at;
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at++;
    const element = text.slice(start, at);
    return element === 'NULL' ? null : parse(element);
  }

  function list(): unknown[] {
    const elements: unknown[] = [];
    at++;
    while (text[at] !== '}') {
      if (at >= text.length) fail();
      elements.push(text[at] === '{' ? list() : text[at] === '"' ? parse(quoted()) : bare());
      if (text[at] === ',') at++;
    }
    at++;
    return elements;
  }

  return at < 0 ? fail() : list();
}
