/**
 * The text form of arrays: `{1,2,NULL}`, `{"a b","c\"d"}`, `{{1,2},{3,4}}`, `[0:1]={1,2}` (manual, section 8.15.6).
 * Elements stay text; bounds other than 1 are read and forgotten. Made for what Postgres writes: that all rows of a
 * multidimensional array have the same length is not checked.
 */
import { ProtocolError } from '../protocol-error.ts';
import { sqlState } from '../sql-state.ts';

export type ArrayLiteral = (string | null | ArrayLiteral)[];
export type ReadonlyArrayLiteral = readonly (string | null | ReadonlyArrayLiteral)[];

/** Postgres' MAXDIM. */
const maxDimensions = 6;

const bounds = /^(?:\[[+-]?\d+(?::[+-]?\d+)?\])+\s*=\s*/;

/** `delimiter` is the element type's `typdelim`: ';' for box, ',' for all others. Throws ProtocolError (22P02). */
export function parseArrayLiteral(text: string, delimiter = ','): ArrayLiteral {
  return new ArrayLiteralParser(text, delimiter).parse();
}

/** The text Postgres reads as an array of these elements. Throws ProtocolError when nested deeper than Postgres allows. */
export function encodeArrayLiteral(elements: ReadonlyArrayLiteral, delimiter = ','): string {
  return encodeLevel(elements, delimiter, 1);
}

function encodeLevel(elements: ReadonlyArrayLiteral, delimiter: string, depth: number): string {
  if (depth > maxDimensions) throw tooDeep('local');
  let text = '{';
  for (const [index, element] of elements.entries()) {
    if (index > 0) text += delimiter;
    if (element === null) text += 'NULL';
    else if (typeof element === 'string') text += needsQuotes(element, delimiter) ? quote(element) : element;
    else text += encodeLevel(element, delimiter, depth + 1);
  }
  return `${text}}`;
}

function needsQuotes(element: string, delimiter: string): boolean {
  return element === '' || /[{}"\\\s]|^null$/i.test(element) || element.includes(delimiter);
}

function quote(element: string): string {
  return `"${element.replace(/["\\]/g, '\\$&')}"`;
}

const quoteMark = 0x22; // "
const backslash = 0x5c;
const openingBrace = 0x7b;
const closingBrace = 0x7d;

class ArrayLiteralParser {
  readonly #text: string;
  readonly #delimiter: number;
  #at = 0;

  constructor(text: string, delimiter: string) {
    this.#text = text;
    this.#delimiter = delimiter.charCodeAt(0);
  }

  parse(): ArrayLiteral {
    this.#skipWhiteSpace();
    this.#at += bounds.exec(this.#text.slice(this.#at, this.#text.indexOf('{')))?.[0].length ?? 0;
    const elements = this.#level(1);
    this.#skipWhiteSpace();
    if (this.#at < this.#text.length) this.#fail('text behind the closing brace');
    return elements;
  }

  #level(depth: number): ArrayLiteral {
    if (depth > maxDimensions) throw tooDeep('remote');
    if (this.#unit() !== openingBrace) this.#fail('opening brace expected');
    this.#at++;
    const elements: ArrayLiteral = [];
    this.#skipWhiteSpace();
    if (this.#unit() === closingBrace) {
      this.#at++;
      return elements;
    }
    for (;;) {
      elements.push(this.#element(depth));
      this.#skipWhiteSpace();
      const next = this.#unit();
      if (next !== closingBrace && next !== this.#delimiter) this.#fail('delimiter or closing brace expected');
      this.#at++;
      if (next === closingBrace) return elements;
      this.#skipWhiteSpace();
    }
  }

  #element(depth: number): string | null | ArrayLiteral {
    const first = this.#unit();
    if (first === openingBrace) return this.#level(depth + 1);
    return first === quoteMark ? this.#quoted() : this.#bare();
  }

  #quoted(): string {
    let element = '';
    let start = ++this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const unit = this.#unit();
      if (unit === quoteMark) return element + this.#text.slice(start, this.#at++);
      if (unit === backslash) {
        element += this.#text.slice(start, this.#at);
        start = ++this.#at; // the next character stands for itself
      }
    }
    return this.#fail('a quoted element has no end');
  }

  #bare(): string | null {
    const start = this.#at;
    let element = '';
    let copied = start;
    let end = start; // behind the last character that is not white space
    for (; this.#at < this.#text.length; this.#at++) {
      const unit = this.#unit();
      if (unit === closingBrace || unit === this.#delimiter) break;
      if (unit === openingBrace || unit === quoteMark) this.#fail('an element needs quotes');
      if (unit === backslash) {
        element += this.#text.slice(copied, this.#at);
        copied = ++this.#at;
        end = this.#at + 1;
      } else if (!isWhiteSpace(unit)) end = this.#at + 1;
    }
    if (end === start) this.#fail('an element is missing');
    element += this.#text.slice(copied, end);
    // Four characters in the source: an escaped NULL is the word, like a quoted one.
    return end - start === 4 && element.toUpperCase() === 'NULL' ? null : element;
  }

  #skipWhiteSpace(): void {
    while (isWhiteSpace(this.#unit())) this.#at++;
  }

  /** NaN behind the end. */
  #unit(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #fail(problem: string): never {
    throw new ProtocolError(`malformed array literal: ${problem}`, {
      code: sqlState.invalidTextRepresentation,
      detail: `at character ${this.#at + 1} of ${this.#text.length}`,
    });
  }
}

/** Postgres' array_isspace: the white space of ASCII. */
function isWhiteSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

function tooDeep(side: 'local' | 'remote'): ProtocolError {
  return new ProtocolError(`an array has at most ${maxDimensions} dimensions`, {
    side,
    code: sqlState.programLimitExceeded,
  });
}
