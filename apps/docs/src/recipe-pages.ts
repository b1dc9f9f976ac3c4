/** Pages of the recipes: files that the tests run, shown whole. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeMarkdown } from './error-page.ts';

export interface RecipePage {
  /** In the repository. */
  readonly file: string;
  readonly page: string;
  readonly markdown: string;
}

/** One page for each recipe that the list in `recipes/README.md` names. */
export function recipePages(repositoryFolder: string): RecipePage[] {
  const list = join(repositoryFolder, 'recipes/README.md');
  if (!existsSync(list)) return [];
  const names = [...readFileSync(list, 'utf8').matchAll(/\]\(([\w/-]+)\.(ts|mjs)\)/g)];
  return names.map(([, name, extension]) => {
    const file = `recipes/${name}.${extension}`;
    return {
      file,
      page: `recipes/${name}`,
      markdown: recipePage(file, readFileSync(join(repositoryFolder, file), 'utf8')),
    };
  });
}

/** The comment on top as text, the program as it is, and what it prints. */
export function recipePage(file: string, source: string): string {
  const [top = ''] = /^(?:\/\/.*\n)+/.exec(source) ?? [];
  const [, prints] = /\n\/\/ Prints:\n((?:\/\/ .*\n?)+)$/.exec(source) ?? [];
  const program = source.slice(top.length).replace(/\n\/\/ Prints:\n(?:\/\/ .*\n?)+$/, '');
  const [title = '', , ...about] = uncommented(top);
  const [heading = '', rest = ''] = title.replace(/\.$/, '').split(/: (.*)/);
  const introduction = [
    ...(rest === '' ? [] : [`${prose(rest.charAt(0).toUpperCase() + rest.slice(1))}.`, '']),
    ...about.flatMap((line) => {
      const [, name, text = line] = /^(When|Run): +(.*)$/.exec(line) ?? [];
      if (name === undefined) return [prose(text)];
      return ['', name === 'Run' ? `**Run** it with ${command(text)}` : `**${name}** ${prose(text)}`, ''];
    }),
  ];
  return [
    '---',
    'aside: false',
    '---',
    '',
    `# ${heading}`,
    '',
    introduction
      .join('\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim(),
    '',
    `\`${file}\`:`,
    '',
    fenced(file.endsWith('.mjs') ? 'js' : 'ts', program.trim()),
    ...(prints === undefined ? [] : ['', 'It prints', '', fenced('text', uncommented(prints).join('\n'))]),
    '',
  ].join('\n');
}

function uncommented(lines: string): string[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\/\/ ?/, ''));
}

/** `npx tsx a.ts   (a remark)` */
function command(text: string): string {
  const [line = '', remark] = text.split(/ {3,}/);
  return `\`${line}\`${remark === undefined ? '.' : ` ${prose(remark)}.`}`;
}

/** Text that may hold anything; `code` stays code. */
function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : escapeMarkdown(part)))
    .join('');
}

const fenced = (language: string, code: string): string => `\`\`\`\`${language}\n${code}\n\`\`\`\``;
