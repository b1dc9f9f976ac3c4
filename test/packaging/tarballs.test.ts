// What npm would get is what we mean to give it. Judged by the tarballs, and by the tools people judge packages with.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, describe, expect, test } from 'vitest';
import { packPublished, publishedPackages, readManifest, repositoryRoot } from './published-packages.ts';

const run = promisify(execFile);
const packed = packPublished();
const root = readManifest(repositoryRoot);
afterAll(packed.remove);

test('all that is not private is published, and nothing else', () => {
  const found = ['packages', 'apps', 'test']
    .flatMap((parent) => readdirSync(join(repositoryRoot, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => readdirSync(join(repositoryRoot, folder)).includes('package.json'))
    .filter((folder) => readManifest(join(repositoryRoot, folder)).private !== true);
  expect(found.sort()).toEqual(publishedPackages.map(({ folder }) => folder).sort());
});

describe.each(packed.packages)(
  '$name',
  ({ name, folder, kind, tarball, packedBytes, unpacked, paths, manifest, ...given }) => {
    const own = (path: string): string => readFileSync(join(unpacked, path), 'utf8');

    test('holds what it should and nothing more', () => {
      // There is a change log from the first release on.
      const changeLog = 'CHANGELOG.md';
      expect(manifest.files).toContain(changeLog);
      const others = paths.filter((path) => path !== changeLog);
      expect(others.filter((path) => !given.files.some((pattern) => pattern.test(path)))).toEqual([]);
      expect(given.files.filter((pattern) => !paths.some((path) => pattern.test(path)))).toEqual([]);
    });

    test('keeps to its size', () => {
      console.log(
        `${name}: ${packedBytes} bytes packed, ${sum(paths.map((path) => statSync(join(unpacked, path)).size))} unpacked`,
      );
      expect(packedBytes).toBeLessThanOrEqual(given.maxPackedBytes);
    });

    test('depends on what can be installed, and runs nothing when it is', () => {
      const lists = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies];
      const dependencies = Object.entries(Object.assign({}, ...lists) as Record<string, string>);
      const published = new Set(publishedPackages.map((candidate) => candidate.name));
      expect(dependencies.filter(([, range]) => /^(workspace|file|link):/.test(range))).toEqual([]);
      expect(
        dependencies.filter(([dependency]) => dependency.startsWith('@postern/') && !published.has(dependency)),
      ).toEqual([]);
      expect(Object.keys(manifest.scripts ?? {}).filter((script) => /install|prepare/.test(script))).toEqual([]);
    });

    test('imports nothing that it does not bring or name', async () => {
      const { metafile } = await build({
        entryPoints: paths.filter((path) => path.endsWith('.js')).map((path) => join(unpacked, path)),
        bundle: true,
        write: false,
        outdir: 'nowhere',
        format: 'esm',
        platform: 'node',
        packages: 'external',
        metafile: true,
        logLevel: 'error',
      });
      const ofCode = Object.values(metafile.inputs).flatMap(({ imports }) =>
        imports.filter(({ external, path }) => external && !isBuiltin(path)).map(({ path }) => path),
      );
      const types = paths.filter((path) => path.endsWith('.d.ts')).map(own);
      const ofTypes = types.flatMap((text) =>
        [...text.matchAll(/(?:\bfrom|\bimport\()\s*["']([^."'][^"']*)["']/g)].map(([, specifier = '']) => specifier),
      );
      const allowed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      const isAllowed = (path: string): boolean => allowed.some((one) => path === one || path.startsWith(`${one}/`));
      expect([...new Set([...ofCode, ...ofTypes])].filter((path) => !isAllowed(path))).toEqual([]);
      if (name === '@postern/prisma-adapter') expect(ofCode).toContain('@postern/serverless');
    });

    test('says where it comes from, and will carry a proof of it', () => {
      const home = root.repository!.url.replace(/^git\+|\.git$/g, '');
      expect(manifest).toMatchObject({
        license: 'Apache-2.0',
        repository: { ...root.repository, directory: folder },
        homepage: `${home}/tree/main/${folder}#readme`,
        bugs: { url: `${home}/issues` },
        publishConfig: { access: 'public', provenance: true },
        engines: { node: expect.stringMatching(/^>=20/) },
        description: expect.stringMatching(/^.{20,160}$/),
        keywords: expect.arrayContaining(['postgres']),
        ...(kind === 'library' && { sideEffects: false }),
      });
      expect(own('LICENSE')).toBe(readFileSync(join(repositoryRoot, 'LICENSE'), 'utf8'));
      expect(own('README.md')).toMatch(new RegExp(`^# ${name}\n`));
    });

    test('publint finds nothing', async () => {
      const { messages } = await publint({ pkgDir: unpacked, pack: false, strict: true, level: 'warning' });
      expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
    });

    test('attw finds nothing: types and code agree for ESM in Node and in bundlers, old ones too', {
      timeout: 120_000,
    }, async () => {
      const attw = join(repositoryRoot, 'test/packaging/node_modules/.bin/attw');
      const { stdout } = await run(attw, [tarball, '--profile', 'esm-only', '--format', 'json']).catch(
        (error) => error,
      );
      const { analysis, problems = {} } = JSON.parse(stdout) as {
        analysis: { entrypoints: Record<string, unknown> };
        problems?: Record<string, readonly { resolutionKind?: string }[]>;
      };
      expect(Object.keys(analysis.entrypoints).sort()).toEqual(Object.keys(manifest.exports ?? {}).sort());
      const counted = Object.values(problems)
        .flat()
        // A program is not imported by what knows no exports.
        .filter(({ resolutionKind }) => kind === 'library' || resolutionKind !== 'node10')
        .filter(({ resolutionKind }) => resolutionKind !== 'node16-cjs');
      expect(counted).toEqual([]);
    });

    test('names every package of others that is in its code, with its licence', () => {
      const others = bundledPackages(join(repositoryRoot, folder, 'dist'));
      if (kind === 'library') {
        expect(others).toEqual([]);
        return;
      }
      expect(others.length).toBeGreaterThan(5);
      const notices = own('dist/third-party-licenses.txt').split(`\n${'-'.repeat(80)}\n\n`);
      const noticeOf = (other: string): string => notices.find((notice) => notice.startsWith(`${other} `)) ?? '';
      expect(others.filter((other) => noticeOf(other) === '')).toEqual([]);
      const licences = notices.map((notice) => /^\S+ \S+ \((.+)\)\n/.exec(notice)?.[1]);
      expect(new Set(licences)).toEqual(new Set(['MIT', 'Apache-2.0', 'ISC']));
      expect(notices.filter((notice) => !/copyright/i.test(notice)).map((notice) => notice.slice(0, 60))).toEqual([]);
    });
  },
);

/** Names of the npm packages whose modules are in the bundles of a folder, as their source maps tell. */
function bundledPackages(dist: string): string[] {
  const maps = readdirSync(dist).filter((name) => name.endsWith('.js.map'));
  const sources = maps.flatMap(
    (name) => (JSON.parse(readFileSync(join(dist, name), 'utf8')) as { sources: string[] }).sources,
  );
  const names = sources.map((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(`${dirname(source)}/`)?.[1]);
  return [...new Set(names)].filter((name) => name !== undefined).sort();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
