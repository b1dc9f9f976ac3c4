/** Pages of the recipes: files that the tests run, shown whole. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
  return names.map(([, title, extension]) => {
    const file = `recipes/${title}.${extension}`;
    const code = readFileSync(join(repositoryFolder, file), 'utf8').trimEnd();
    const language = extension === 'mjs' ? 'js' : 'ts';
    const markdown = [`# ${title}`, '', `\`${file}\``, '', `\`\`\`\`${language}`, code, '````', ''].join('\n');
    return { file, page: `recipes/${title}`, markdown };
  });
}
