import { describe, expect, test } from 'vitest';
import { type ImportRule, importTable, maxSourceLines } from './import-table.ts';
import {
  importsOf,
  readWorkspace,
  resolveRelative,
  runtimeImportsOf,
  type SourceFile,
  type WorkspacePackage,
} from './source-tree.ts';

const workspace = readWorkspace();
const byName = new Map(workspace.map((pkg) => [pkg.name, pkg]));
const judged = workspace.filter((pkg) => !pkg.folder.startsWith('test/'));

/** `@scope/name/entry` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function violation(pkg: WorkspacePackage, file: SourceFile, specifier: string, rule: ImportRule): string | undefined {
  const says = (what: string): string => `${file.path} imports ${specifier}: ${what}`;
  const relativeTarget = resolveRelative(file, specifier);
  if (relativeTarget !== undefined) {
    return relativeTarget.startsWith(`${pkg.folder}/`) ? undefined : says('reaches into another package by path');
  }
  if (specifier.startsWith('node:')) {
    if (rule.node === 'everywhere') return undefined;
    if (rule.node === 'nowhere') return says('no platform code in this package');
    return rule.node.some((folder) => file.path.startsWith(`${pkg.folder}/${folder}`))
      ? undefined
      : says(`node:* only below ${rule.node.join(', ')}`);
  }
  const target = byName.get(packageOf(specifier));
  if (target === pkg) return says('imports itself by name');
  if (target) {
    return rule.workspace.some((folder) => target.folder === `packages/${folder}`)
      ? undefined
      : says(`allowed are ${rule.workspace.join(', ') || 'no other packages'}`);
  }
  if (rule.npm === 'any' || rule.npm.includes(packageOf(specifier))) return undefined;
  return says(`not among its npm packages (${rule.npm.join(', ') || 'none'})`);
}

test('the workspace is read, files and imports', () => {
  expect(judged.map((pkg) => pkg.folder)).toContain('packages/wire');
  expect(judged.flatMap((pkg) => pkg.files).length).toBeGreaterThan(20);
  const text = `import a from 'one'; import type { B } from "two"; export * from './three.ts'; const c = await import('four'); import 'five'; export type { B };`;
  expect(importsOf(text).sort()).toEqual(['./three.ts', 'five', 'four', 'one', 'two']);
  expect(runtimeImportsOf(text).sort()).toEqual(['./three.ts', 'five', 'four', 'one']);
});

describe.each(judged.filter((pkg) => pkg.folder in importTable || pkg.folder.startsWith('packages/')))(
  '$folder',
  (pkg) => {
    test('imports only what DESIGN.md allows', () => {
      const rule = importTable[pkg.folder];
      if (!rule) throw new Error(`${pkg.folder} has no line in test/structure/import-table.ts`);
      const found = pkg.files
        .filter((file) => !file.isTest || pkg.folder === 'packages/testkit')
        .flatMap((file) => file.imports.map((specifier) => violation(pkg, file, specifier, rule)))
        .filter((text) => text !== undefined);
      expect(found).toEqual([]);
    });

    test('lists in package.json every package it imports', () => {
      const undeclared = pkg.files
        .flatMap((file) => file.imports.map((specifier) => ({ file, name: packageOf(specifier) })))
        .filter(
          ({ file, name }) =>
            !name.startsWith('.') &&
            !name.startsWith('node:') &&
            name !== pkg.name &&
            !pkg.declared.has(name) &&
            !isFromRoot(file, name),
        )
        .map(({ file, name }) => `${file.path} imports ${name}, which its package.json does not list`);
      expect(undeclared).toEqual([]);
    });
  },
);

/** What the repository's root provides to every test. */
function isFromRoot(file: SourceFile, name: string): boolean {
  return (
    (file.isTest && (name === 'vitest' || name === '@postern/testkit')) ||
    (name === 'tsdown' && file.path.endsWith('.config.ts'))
  );
}

test('nothing but tests imports testkit, fixtures or tests', () => {
  const forTests = new Set(judged.flatMap((pkg) => pkg.files.filter((file) => file.isTest).map((file) => file.path)));
  const found = judged
    .flatMap((pkg) => pkg.files)
    .filter((file) => !file.isTest)
    .flatMap((file) => file.imports.map((specifier) => ({ file, specifier })))
    .filter(
      ({ file, specifier }) =>
        packageOf(specifier) === '@postern/testkit' || forTests.has(resolveRelative(file, specifier) ?? ''),
    )
    .map(({ file, specifier }) => `${file.path} imports ${specifier}`);
  expect(found).toEqual([]);
});

// Types that know one another are gone at run time; modules that do are loaded in an order nobody chose.
test('no import cycles between files', () => {
  const files = new Map(workspace.flatMap((pkg) => pkg.files).map((file) => [file.path, file]));
  const cycles: string[] = [];
  const done = new Set<string>();

  function visit(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path);
    if (start !== -1) {
      cycles.push([...trail.slice(start), path].join(' → '));
      return;
    }
    const file = files.get(path);
    if (!file || done.has(path)) return;
    for (const specifier of file.runtimeImports) {
      const target = resolveRelative(file, specifier);
      if (target !== undefined) visit(target, [...trail, path]);
    }
    done.add(path);
  }

  for (const path of files.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test('no import cycles between packages', () => {
  const edges = new Map(
    workspace.map((pkg) => [
      pkg.name,
      new Set(
        pkg.files
          .filter((file) => !file.isTest || pkg.folder === 'packages/testkit')
          .flatMap((file) => file.imports.map(packageOf))
          .filter((name) => name !== pkg.name && byName.has(name)),
      ),
    ]),
  );
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(edges.get(from) ?? [])].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  expect([...edges.keys()].filter((name) => reaches(name, name))).toEqual([]);
});

test(`no source file has more than ${maxSourceLines} lines`, () => {
  const found = judged
    .flatMap((pkg) => pkg.files)
    .filter((file) => !file.isTest && file.lineCount > maxSourceLines)
    .map((file) => `${file.path}: ${file.lineCount}`);
  expect(found).toEqual([]);
});

test('relative imports name an existing file with its ending', () => {
  const paths = new Set(workspace.flatMap((pkg) => pkg.files).map((file) => file.path));
  const found = judged
    .flatMap((pkg) => pkg.files)
    .flatMap((file) => file.imports.map((specifier) => ({ file, specifier, target: resolveRelative(file, specifier) })))
    .filter(({ target }) => target?.endsWith('.ts') === true && !target.includes('/generated/') && !paths.has(target))
    .map(({ file, specifier }) => `${file.path} imports ${specifier}`);
  expect(found).toEqual([]);
});
