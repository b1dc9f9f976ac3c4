/** Code blocks of Markdown documents: what they are, where they are, and whether the tests run them. */

export interface CodeBlock {
  /** From the repository root. */
  readonly file: string;
  /** Of the first line of code; the first line of a file is 1. */
  readonly line: number;
  /** `ts`, `sh` …; '' when the fence names none. */
  readonly language: string;
  readonly isRunnable: boolean;
  /** It starts a program that stays: it has to open, and to stop when asked to. */
  readonly isServer: boolean;
  /** Why it is not run, when somebody has decided that. */
  readonly shown: string | undefined;
  /** Name of what earlier text has introduced. */
  readonly prelude: string | undefined;
  readonly code: string;
}

/** All fenced blocks of a document, those in lists included. Throws for a fence that is never closed. */
export function codeBlocks(file: string, markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const fence = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(lines[index]!);
    if (!fence) continue;
    const [, indent = '', marks = '', info = ''] = fence;
    const start = index + 1;
    const end = lines.findIndex((line, at) => at >= start && line.trim() === marks);
    if (end === -1) throw new Error(`${file}:${index + 1}: this code block has no end`);
    const code = lines.slice(start, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    const [language = '', ...words] = info.trim().split(/\s+/);
    const said = (name: string): string | undefined =>
      words.find((word) => word === name || word.startsWith(`${name}=`))?.slice(name.length + 1);
    blocks.push({
      file,
      line: start + 1,
      language,
      isRunnable: words.includes('runnable'),
      isServer: words.includes('server'),
      shown: said('shown'),
      prelude: said('with'),
      code: code.join('\n'),
    });
    index = end;
  }
  return blocks;
}
