import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** A Markdown document for people, by its path from the repository root. */
export interface Document {
  readonly file: string;
  readonly markdown: string;
}

/** The documents whose code blocks have to hold. Those of the example apps and recipes are run there, by test/apps and test/recipes. */
export function readDocuments(): Document[] {
  const readmes = ['packages', 'test'].flatMap((parent) =>
    readdirSync(join(repositoryRoot, parent)).map((name) => `${parent}/${name}/README.md`),
  );
  readmes.push('apps/postern/README.md', 'apps/docs/README.md');
  const site = markdownBelow(join(repositoryRoot, 'apps/docs/content')).map((path) => relative(repositoryRoot, path));
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...readmes, ...site]
    .filter((file) => existsSync(join(repositoryRoot, file)))
    .map((file) => ({ file, markdown: readFileSync(join(repositoryRoot, file), 'utf8') }));
}

/** Without the pages that the build of the site writes. */
function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' ? [] : markdownBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}
