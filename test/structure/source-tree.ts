import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

// The repository as data: its workspace packages, their files, and who imports what.

export const repositoryRoot: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface SourceFile {
  /** From the repository root, with forward slashes. */
  readonly path: string;
  /** Folder of its package: `packages/wire`. */
  readonly package: string;
  readonly lineCount: number;
  /** Module specifiers as written: static and dynamic imports, re-exports, type imports. */
  readonly imports: readonly string[];
  /** Those that are left when types are erased. */
  readonly runtimeImports: readonly string[];
  /** Test files and configuration of tools may do what the program may not. */
  readonly isTest: boolean;
}

export interface WorkspacePackage {
  /** `packages/wire` */
  readonly folder: string;
  readonly name: string;
  /** Names of all packages its package.json lists. */
  readonly declared: ReadonlySet<string>;
  readonly files: readonly SourceFile[];
}

const skippedFolders = new Set(['node_modules', 'dist', 'generated', '.next', '.postern', '.vercel', '.wrangler']);

export function readWorkspace(): WorkspacePackage[] {
  return ['packages', 'apps', 'test'].flatMap((parent) =>
    readdirSync(join(repositoryRoot, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${parent}/${entry.name}`)
      .filter((folder) => existsSync(join(repositoryRoot, folder, 'package.json')))
      .map(readPackage),
  );
}

function readPackage(folder: string): WorkspacePackage {
  const manifest = readManifest(join(repositoryRoot, folder, 'package.json'));
  const files = sourcePaths(join(repositoryRoot, folder)).map((absolute): SourceFile => {
    const text = readFileSync(absolute, 'utf8');
    const path = relative(repositoryRoot, absolute).split(sep).join('/');
    return {
      path,
      package: folder,
      lineCount: text.split('\n').length - 1,
      imports: importsOf(text),
      runtimeImports: runtimeImportsOf(text),
      isTest: isForTests(path),
    };
  });
  const declared = [
    manifest.dependencies,
    manifest.devDependencies,
    manifest.optionalDependencies,
    manifest.peerDependencies,
  ];
  return { folder, name: manifest.name, declared: new Set(declared.flatMap((list) => Object.keys(list ?? {}))), files };
}

type Manifest = { name: string } & {
  [list in `${'' | 'dev' | 'optional' | 'peer'}${'D' | 'd'}ependencies`]?: Record<string, string>;
};

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

function isForTests(path: string): boolean {
  return (
    /\.(test|fixture|config)\.tsx?$/.test(path) ||
    path.includes('/src/testing/') ||
    path.startsWith('test/') ||
    path.startsWith('packages/testkit/')
  );
}

function sourcePaths(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : sourcePaths(path);
    return /\.(ts|tsx|mts)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

/** All module specifiers of a TypeScript file. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

/** Module specifiers that are still there when types are erased: all but `import type` and `export type`. */
export function runtimeImportsOf(text: string): string[] {
  const { statements } = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest);
  const typeOnly = statements.flatMap((statement) => {
    const isTypeOnly = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : ts.isExportDeclaration(statement) && statement.isTypeOnly;
    // What a file exports of its own has no specifier.
    const { moduleSpecifier } = statement as ts.ImportDeclaration | ts.ExportDeclaration;
    return isTypeOnly && moduleSpecifier !== undefined ? [(moduleSpecifier as ts.StringLiteral).text] : [];
  });
  // A module may be imported twice, for its types and for its values.
  const remaining = [...typeOnly];
  return importsOf(text).filter((specifier) => {
    const index = remaining.indexOf(specifier);
    if (index !== -1) remaining.splice(index, 1);
    return index === -1;
  });
}

/** The file a relative import means, from the repository root; undefined for anything else. */
export function resolveRelative(from: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return join(dirname(from.path), specifier).split(sep).join('/');
}
