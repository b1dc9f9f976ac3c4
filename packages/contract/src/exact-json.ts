// JSON with numbers kept as they were written: JSON.parse turns 9007199254740993 into ...992 and 1.0 into 1.
// Slower than JSON.parse; used only for bodies whose parameters are not all strings.

/** A number literal. */
export class JsonNumber {
  readonly literal: string;
  constructor(literal: string) {
    this.literal = literal;
  }
}

/** JSON.parse's shapes, except that numbers are JsonNumbers and objects have no prototype. */
export type ExactJson = string | boolean | null | JsonNumber | ExactJson[] | { [key: string]: ExactJson };

/** Text that is valid JSON but nested deeper than allowed. */
export class JsonDepthError extends Error {}

/** `text` must be valid JSON (JSON.parse has accepted it). Throws JsonDepthError, nothing else. */
export function parseExactJson(text: string, maxDepth: number): ExactJson {
  let at = 0;

  function next(): string {
    while (' \t\n\r'.includes(text[at]!)) at++;
    return text[at]!;
  }

  function parseString(): string {
    const start = at;
    at++;
    for (; text[at] !== '"'; at++) if (text[at] === '\\') at++;
    at++;
    return JSON.parse(text.slice(start, at)) as string; // a JSON string literal
  }

  function parseValue(depth: number): ExactJson {
    const first = next();
    if (first === '"') return parseString();
    if (first === '{' || first === '[') {
      if (depth === 0) throw new JsonDepthError();
      at++;
      return first === '[' ? parseArray(depth - 1) : parseObject(depth - 1);
    }
    const start = at;
    while (at < text.length && /[\w.+-]/.test(text[at]!)) at++;
    const word = text.slice(start, at);
    if (word === 'true') return true;
    if (word === 'false') return false;
    return word === 'null' ? null : new JsonNumber(word);
  }

  function parseArray(depth: number): ExactJson[] {
    const items: ExactJson[] = [];
    while (next() !== ']') {
      if (text[at] === ',') at++;
      items.push(parseValue(depth));
    }
    at++;
    return items;
  }

  function parseObject(depth: number): { [key: string]: ExactJson } {
    const object: { [key: string]: ExactJson } = Object.create(null);
    while (next() !== '}') {
      if (text[at] === ',') at++;
      next();
      const key = parseString();
      next();
      at++; // the colon
      object[key] = parseValue(depth);
    }
    at++;
    return object;
  }

  return parseValue(maxDepth);
}
