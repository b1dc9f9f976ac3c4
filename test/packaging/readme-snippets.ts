/** One fenced block of TypeScript in a README. */
export interface Snippet {
  /** The last heading above it. */
  readonly heading: string;
  readonly code: string;
}

/** The TypeScript blocks of a Markdown text, in order. */
export function readSnippets(markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  let heading = '';
  let code: string[] | undefined;
  for (const line of markdown.split('\n')) {
    if (code !== undefined) {
      if (line === '```') {
        snippets.push({ heading, code: code.join('\n') });
        code = undefined;
      } else {
        code.push(line);
      }
    } else if (/^```ts( |$)/.test(line)) {
      code = [];
    } else if (/^#+ /.test(line)) {
      heading = line.replace(/^#+ /, '').replace(/`/g, '');
    }
  }
  return snippets;
}
