// What a release would do, in a copy: versions and changelogs from the changesets, and the workflows that start it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { publishedPackages, readManifest, repositoryRoot } from './published-packages.ts';

type Bump = 'patch' | 'minor' | 'major';

interface Changeset {
  readonly file: string;
  readonly bumps: Readonly<Record<string, Bump>>;
  readonly text: string;
}

const changesets: readonly Changeset[] = readdirSync(join(repositoryRoot, '.changeset'))
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .map((file) => {
    const [, head = '', text = ''] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(read('.changeset', file)) ?? [];
    return { file, bumps: (parse(head) ?? {}) as Record<string, Bump>, text: text.trim() };
  });

function read(...path: string[]): string {
  return readFileSync(join(repositoryRoot, ...path), 'utf8');
}

describe('changesets', () => {
  const copy = mkdtempSync(join(tmpdir(), 'postern-version-'));
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test('each names published packages, in a sentence or more', () => {
    const names = publishedPackages.map(({ name }) => name);
    for (const { file, bumps, text } of changesets) {
      expect(names, file).toEqual(expect.arrayContaining(Object.keys(bumps)));
      expect(Object.keys(bumps).length, file).toBeGreaterThan(0);
      expect(text, file).toMatch(/^[A-Z`].{20,}\.$/s);
    }
  });

  test('changeset version makes the versions they ask for, and changelogs', () => {
    copyManifests(copy);
    const { status, stdout, stderr } = spawnSync(join(repositoryRoot, 'node_modules/.bin/changeset'), ['version'], {
      cwd: copy,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect({ status, output: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ status: 0, output: '' });
    for (const { name, folder } of publishedPackages) {
      const own = changesets.filter(({ bumps }) => bumps[name] !== undefined);
      if (own.length === 0) continue;
      const before = readManifest(join(repositoryRoot, folder)).version;
      const { version } = readManifest(join(copy, folder));
      expect(version).toBe(raised(before, highest(own.map(({ bumps }) => bumps[name]!))));
      const changelog = readFileSync(join(copy, folder, 'CHANGELOG.md'), 'utf8');
      expect(changelog.startsWith(`# ${name}\n\n## ${version}\n`)).toBe(true);
      for (const { text } of own) expect(changelog).toContain(text.split('\n')[0]);
    }
    expect(readdirSync(join(copy, '.changeset')).filter((file) => changesets.some((one) => one.file === file))).toEqual(
      [],
    );
  });
});

function copyManifests(to: string): void {
  for (const path of ['.changeset', 'package.json', 'pnpm-workspace.yaml']) {
    cpSync(join(repositoryRoot, path), join(to, path), { recursive: true });
  }
  const folders = ['packages', 'apps', 'test'].flatMap((parent) =>
    readdirSync(join(repositoryRoot, parent)).map((name) => join(parent, name)),
  );
  for (const folder of [...folders, 'recipes']) {
    if (!readdirSync(join(repositoryRoot, folder)).includes('package.json')) continue;
    mkdirSync(join(to, folder), { recursive: true });
    for (const file of ['package.json', 'CHANGELOG.md']) {
      if (readdirSync(join(repositoryRoot, folder)).includes(file)) {
        cpSync(join(repositoryRoot, folder, file), join(to, folder, file));
      }
    }
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(to, 'node_modules'));
  spawnSync('git', ['init', '--quiet', '--initial-branch=main', to]);
}

function highest(bumps: readonly Bump[]): Bump {
  return (['major', 'minor', 'patch'] as const).find((bump) => bumps.includes(bump))!;
}

function raised(version: string, bump: Bump): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (bump === 'major') return `${major + 1}.0.0`;
  return bump === 'minor' ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
    readonly env?: Readonly<Record<string, unknown>>;
  }[];
}

describe.each(readdirSync(join(repositoryRoot, '.github/workflows')))('.github/workflows/%s', (file) => {
  const workflow = parse(read('.github/workflows', file)) as { permissions?: object; jobs: Record<string, Job> };
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps);

  test('runs versions that nobody can move, named beside them, with rights that are named, for a limited time', () => {
    expect(workflow.permissions).toBeDefined();
    expect(jobs.filter((job) => job['timeout-minutes'] === undefined)).toEqual([]);
    const lines = read('.github/workflows', file).match(/uses:.*/g) ?? [];
    const pinned = /^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
    expect(lines.filter((line) => !pinned.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(0);
  });

  test('calls scripts that there are', () => {
    const { scripts = {} } = readManifest(repositoryRoot);
    const commands = steps.flatMap((step) => [step.run, step.with?.version, step.with?.publish]);
    const called = commands.flatMap((command) => [...String(command ?? '').matchAll(/npm (?:run )?([\w:-]+)/g)]);
    expect(called.map(([, script = '']) => script).filter((script) => !(script in scripts))).toEqual([]);
    const files = commands.flatMap((command) => [...String(command ?? '').matchAll(/^\.[\w/-]+$/g)]);
    for (const [path] of files) expect(read(path)).not.toBe('');
  });

  test('publishes with provenance, if it publishes', () => {
    const publishing = jobs.filter((job) => job.steps.some((step) => step.with?.publish !== undefined));
    expect(publishing).toHaveLength(file === 'release.yml' ? 1 : 0);
    for (const job of publishing) {
      expect(job.permissions).toMatchObject({ 'id-token': 'write', contents: 'write', 'pull-requests': 'write' });
      expect(read('scripts/release.mjs')).toContain("'--provenance'");
      // npm asks GitHub who it is only where no .npmrc names a token: this input and this variable would write one.
      const given = job.steps.flatMap((step) => [...Object.keys(step.with ?? {}), ...Object.keys(step.env ?? {})]);
      expect(given).not.toContain('registry-url');
      expect(given).not.toContain('NODE_AUTH_TOKEN');
    }
    const mayProve = Object.values(workflow.jobs).filter((job) => job.permissions?.['id-token'] !== undefined);
    expect(mayProve).toEqual(publishing);
  });
});

test('the release publishes every published package, each after those it depends on', () => {
  const [, list = ''] = /const published = \[(.*)\]/.exec(read('scripts/release.mjs')) ?? [];
  const order = [...list.matchAll(/'([^']+)'/g)].map(([, folder = '']) => folder);
  expect([...order].sort()).toEqual(publishedPackages.map(({ folder }) => folder).sort());
  const position = (name: string): number =>
    order.indexOf(publishedPackages.find((one) => one.name === name)?.folder ?? '');
  for (const { name, folder } of publishedPackages) {
    for (const dependency of Object.keys(readManifest(join(repositoryRoot, folder)).dependencies ?? {})) {
      expect(position(dependency), `${dependency} before ${name}`).toBeLessThan(position(name));
    }
  }
});
