import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

// What leaves this repository: the packages npm gets, as npm would get them.

export const repositoryRoot: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface PublishedPackage {
  readonly name: string;
  /** Below the repository's root. */
  readonly folder: string;
  readonly kind: 'program' | 'library';
  /** Of the tarball. What there is today and a tenth on top: more is decided, not happened upon. */
  readonly maxPackedBytes: number;
  /** Every file has to match one of these. */
  readonly files: readonly RegExp[];
}

const everywhere = [/^package\.json$/, /^README\.md$/, /^LICENSE$/];
const library = [...everywhere, /^dist\/[\w-]+\.js$/, /^dist\/[\w-]+\.js\.map$/, /^dist\/[\w-]+\.d\.ts$/];

export const publishedPackages: readonly PublishedPackage[] = [
  {
    name: '@postern/cli',
    folder: 'apps/postern',
    kind: 'program',
    // 750,000 of it the query compiler for Prisma clients that bring none.
    maxPackedBytes: 1_300_000,
    files: [
      ...everywhere,
      /^bin\/postern\.js$/,
      /^dist\/main\.(js|d\.ts)$/,
      /^dist\/query-compiler\/(program|query_compiler_bg)\.mjs$/,
      /^dist\/query-compiler\/query_compiler_bg\.wasm$/,
      /^dist\/third-party-licenses\.txt$/,
      /^postern\.schema\.json$/,
    ],
  },
  {
    name: '@postern/serverless',
    folder: 'packages/serverless',
    kind: 'library',
    maxPackedBytes: 127_000,
    files: library,
  },
  {
    name: '@postern/prisma-adapter',
    folder: 'packages/prisma-adapter',
    kind: 'library',
    maxPackedBytes: 65_000,
    files: library,
  },
];

/** The parts of package.json that are looked at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly homepage?: string;
  readonly repository?: { readonly type: string; readonly url: string; readonly directory?: string };
  readonly bugs?: { readonly url: string };
  readonly engines?: Readonly<Record<string, string>>;
  readonly sideEffects?: boolean;
  readonly files?: readonly string[];
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

export interface PackedPackage extends PublishedPackage {
  readonly tarball: string;
  readonly packedBytes: number;
  /** The tarball's content. */
  readonly unpacked: string;
  /** From the package's root, with forward slashes. */
  readonly paths: readonly string[];
  readonly manifest: Manifest;
}

/** Packs what is published into a folder of its own, as the release does. It has to be built. */
export function packPublished(): {
  readonly folder: string;
  readonly packages: readonly PackedPackage[];
  remove(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'postern-packed-'));
  return {
    folder,
    packages: publishedPackages.map((published) => packOne(published, folder)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The packed package of this name. */
export function named(packages: readonly PackedPackage[], name: string): PackedPackage {
  const found = packages.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`${name} is not published`);
  return found;
}

function packOne(published: PublishedPackage, into: string): PackedPackage {
  const own = join(into, published.name.replace(/[@/]/g, '_'));
  mkdirSync(own);
  run(join(repositoryRoot, 'node_modules/.bin/pnpm'), ['pack', '--pack-destination', own], published.folder);
  const tarball = join(own, readdirSync(own).find((name) => name.endsWith('.tgz'))!);
  run('tar', ['xzf', tarball, '-C', own], '.');
  const unpacked = join(own, 'package');
  return {
    ...published,
    tarball,
    packedBytes: statSync(tarball).size,
    unpacked,
    paths: readdirSync(unpacked, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(unpacked, join(entry.parentPath, entry.name)).split(sep).join('/')),
    manifest: readManifest(unpacked),
  };
}

function run(program: string, args: readonly string[], folder: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: resolve(repositoryRoot, folder),
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
}
