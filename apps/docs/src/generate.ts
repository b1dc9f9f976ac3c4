/** Writes the pages that are made from code and from documents elsewhere in the repository, below `content/generated/`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ApiPackage, generateApiReference } from './api-reference.ts';
import { errorPage } from './error-page.ts';
import { adoptLinks } from './links.ts';
import { optionTables } from './option-tables.ts';
import { recipePages } from './recipe-pages.ts';

export interface GenerateOptions {
  readonly repositoryFolder: string;
  readonly contentFolder: string;
  /** Gets the tables that pages include. */
  readonly partsFolder: string;
}

/** Documents that are pages as they are, by their path in the repository. */
const adoptedDocuments: Readonly<Record<string, string>> = {
  'ARCHITECTURE.md': 'architecture',
  'SECURITY.md': 'security-policy',
  'CONTRIBUTING.md': 'contributing',
  'recipes/README.md': 'recipes/index',
  'recipes/transcripts.md': 'recipes/transcripts',
  'packages/serverless/README.md': 'reference/serverless',
  'packages/prisma-adapter/README.md': 'reference/prisma-adapter',
};

const apiPackages: readonly ApiPackage[] = [
  { folder: 'packages/serverless', page: 'serverless', entries: ['index.ts'] },
  { folder: 'packages/prisma-adapter', page: 'prisma-adapter', entries: ['index.ts'] },
];

/** Replaces everything below `content/generated/`. */
export async function generatePages(options: GenerateOptions): Promise<void> {
  const { repositoryFolder, contentFolder, partsFolder } = options;
  const generated = join(contentFolder, 'generated');
  rmSync(generated, { recursive: true, force: true });
  const write = (page: string, markdown: string): void => {
    const file = join(generated, `${page}.md`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, markdown);
  };

  mkdirSync(partsFolder, { recursive: true });
  for (const [name, table] of optionTables(repositoryFolder))
    writeFileSync(join(partsFolder, `${name}.md`), `${table}\n`);
  write('reference/errors', errorPage());
  const recipes = recipePages(repositoryFolder);
  for (const { page, markdown } of recipes) write(page, markdown);
  const pages = new Map(Object.entries(adoptedDocuments));
  for (const { file, page } of recipes) pages.set(file, page);
  for (const [path, page] of Object.entries(adoptedDocuments)) {
    write(page, adoptLinks(readFileSync(join(repositoryFolder, path), 'utf8'), { path, pages }));
  }
  await generateApiReference({ repositoryFolder, outputFolder: join(generated, 'api'), packages: apiPackages });
  if (readdirSync(join(generated, 'api')).length === 0) throw new Error('TypeDoc wrote nothing');
}
