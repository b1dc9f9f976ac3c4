import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** A Markdown document for people, by its path from the repository root. */
export interface Document {
  readonly file: string;
  readonly markdown: string;
}

/** The documents whose code blocks have to hold. */
export function readDocuments(): Document[] {
  const readmes = ['packages', 'test'].flatMap((parent) =>
    readdirSync(join(repositoryRoot, parent)).map((name) => `${parent}/${name}/README.md`),
  );
  readmes.push('apps/postern/README.md', 'apps/docs/README.md', 'recipes/README.md');
  const site = markdownBelow(join(repositoryRoot, 'apps/docs/content')).map((path) => relative(repositoryRoot, path));
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...readmes, ...site]
    .filter((file) => existsSync(join(repositoryRoot, file)))
    .map((file) => ({ file, markdown: readFileSync(join(repositoryRoot, file), 'utf8') }));
}

/** Documents that others answer for: what is in their code blocks is run, or compared, there. */
const othersAnswer: readonly (readonly [file: RegExp, test: string])[] = [
  [/^apps\/(cloudflare-worker|vercel-edge|next-prisma)\/README\.md$/, 'test/apps'],
  [/^recipes\/transcripts\.md$/, 'test/packaging'],
  [/^test\/conformance\/accepted\//, 'test/conformance'],
];

/** Every other Markdown file of the repository, which nobody reads: there should be none. */
export function unreadDocuments(): string[] {
  const read = new Set(readDocuments().map(({ file }) => file));
  return markdownBelow(repositoryRoot)
    .map((path) => relative(repositoryRoot, path).split(sep).join('/'))
    .filter((file) => !read.has(file) && !othersAnswer.some(([pattern]) => pattern.test(file)));
}

/** Without what is hidden, installed, built, or written by the build of the site. */
function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return isOurs(entry.name) ? markdownBelow(path) : [];
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function isOurs(folder: string): boolean {
  return !folder.startsWith('.') && !['node_modules', 'generated', 'dist'].includes(folder);
}
