import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const recipesFolder: string = resolve(import.meta.dirname, '../../recipes');

/** A recipe as its comments describe it. */
export interface Recipe {
  /** Below `recipes/`. */
  readonly path: string;
  readonly text: string;
  /** The first line: what it shows. */
  readonly title: string;
  readonly when: string;
  /** Below `recipes/`: `npx tsx kysely.ts`. */
  readonly command: string;
  /** The comment at the end, or undefined. */
  readonly prints: string | undefined;
  /** The program as it was: lines under a `// before:` replaced by what that says. Undefined without such a line. */
  readonly before: string | undefined;
}

/** Every file that belongs to the recipes, from their folder. */
export function recipeFiles(): string[] {
  const list = (folder: string): string[] =>
    readdirSync(join(recipesFolder, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isFile()) return [path];
      return ['node_modules', 'generated'].includes(entry.name) ? [] : list(path);
    });
  return list('.');
}

/** All recipes: files that say how to run them. */
export function readRecipes(): Recipe[] {
  return recipeFiles()
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .map((path) => describeRecipe(path, readFileSync(join(recipesFolder, path), 'utf8')))
    .filter((recipe) => recipe !== undefined)
    .sort((a, b) => a.path.localeCompare(b.path));
}

function describeRecipe(path: string, text: string): Recipe | undefined {
  const [, title = ''] = /^\/\/ (.+)\n/.exec(text) ?? [];
  const [, when = ''] = /^\/\/ When: (.+)$/m.exec(text) ?? [];
  const [, command] = /^\/\/ Run: {2}(.+?)(?: {3}\(.*)?$/m.exec(text) ?? [];
  if (command === undefined) return undefined;
  const [, prints] = /\n\/\/ Prints:\n((?:\/\/ .*\n)+)$/.exec(text) ?? [];
  const before = text.replace(/^([ \t]*)\/\/ before: (.+)\n.+$/gm, '$1$2');
  return {
    path,
    text,
    title,
    when,
    command,
    prints: prints?.replace(/^\/\/ /gm, ''),
    before: before === text ? undefined : before,
  };
}
