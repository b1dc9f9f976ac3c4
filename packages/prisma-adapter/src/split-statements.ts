// A script → its statements, for transports that take one statement at a time. Follows the lexer of Postgres
// (src/backend/parser/scan.l, "standard_conforming_strings" on) and psql's rule that a semicolon in parentheses, or in the
// body of a function between BEGIN ATOMIC and its END, does not end a statement. Knows no other grammar.

import { endOfComment } from '@postern/prisma-mapping';
import type { Statement } from './transport.ts';

/** In the order of scan.l; a comment may nest, so its end is looked for by hand. */
const token =
  /--[^\n\r]*|\/\*|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w$]*|[;()]/g;

/** Postgres takes several statements at once only without values. True for some texts with a single one. */
export function mayBeSeveral({ text, values }: Statement): boolean {
  return values.length === 0 && /;\s*\S/.test(text);
}

/** The statements, trimmed, without their semicolons and without those that are empty or comments only. */
export function splitStatements(script: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let hasContent = false;
  let parentheses = 0;
  /** CASE and BEGIN ATOMIC, both of which END. */
  let blocks = 0;
  let previousWord = '';
  let contentEnd = 0;

  const finish = (end: number): void => {
    if (hasContent) statements.push(script.slice(start, end).trim());
    start = end + 1;
    hasContent = false;
    parentheses = 0;
    blocks = 0;
    previousWord = '';
  };

  const scanner = new RegExp(token);
  for (let match = scanner.exec(script); match !== null; match = scanner.exec(script)) {
    const text = match[0];
    // Operators, digits behind a point, parameters: whatever has no token of its own.
    if (script.slice(contentEnd, match.index).trim() !== '') hasContent = true;
    if (text === '/*') scanner.lastIndex = endOfComment(script, scanner.lastIndex);
    else if (text.startsWith('--')) {
      // Nothing to do.
    } else if (text === ';') {
      if (parentheses === 0 && blocks === 0) finish(match.index);
    } else {
      hasContent = true;
      if (text === '(') parentheses++;
      else if (text === ')') parentheses = Math.max(0, parentheses - 1);
      else if (text.startsWith('$')) {
        const end = script.indexOf(text, scanner.lastIndex);
        scanner.lastIndex = end < 0 ? script.length : end + text.length;
      } else {
        const word = text.toLowerCase();
        if ((word === 'atomic' && previousWord === 'begin') || (word === 'case' && blocks > 0)) blocks++;
        else if (word === 'end' && blocks > 0) blocks--;
        previousWord = word;
      }
    }
    contentEnd = scanner.lastIndex;
  }
  if (script.slice(contentEnd).trim() !== '') hasContent = true;
  finish(script.length);
  return statements;
}
