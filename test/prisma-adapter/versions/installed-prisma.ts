// Versions of Prisma that are no dependency of the repository: each brings 190 MB. Installed when they are asked for, into
// the git-ignored folder `generated`, and kept.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createPrismaVersion, type PrismaVersion } from '@postern/test-prisma-suite';

const byDefault = '6.16.3 6.17.1 7.0.1 7.2.0 7.4.1 7.4.2 7.9.1';

/** The versions to check: those where something changed, or `PRISMA_VERSIONS="7.3.0 7.8.0"`. */
export const versions: readonly string[] = (process.env.PRISMA_VERSIONS ?? byDefault).split(/\s+/).filter(Boolean);

const folderOf = (version: string): string => join(import.meta.dirname, '../generated/versions', version);

/** Vitest calls it before the tests. */
export default function install(): void {
  for (const version of versions) {
    const folder = folderOf(version);
    if (existsSync(join(folder, 'installed'))) continue;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    const packages = ['prisma', '@prisma/client', '@prisma/adapter-pg'].map((name) => `${name}@${version}`);
    const options = ['--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, stderr } = spawnSync('npm', ['install', ...options, ...packages], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`Prisma ${version} cannot be installed:\n${stderr}`);
    writeFileSync(join(folder, 'installed'), '');
  }
}

export function installedPrisma(version: string): PrismaVersion {
  const packageFolder = folderOf(version);
  const { PrismaPg } = createRequire(join(packageFolder, 'package.json'))('@prisma/adapter-pg');
  const withAccelerate = (): never => {
    throw new Error('the extension is tested with the versions the repository depends on');
  };
  return createPrismaVersion({ packageFolder, version, PrismaPg, withAccelerate });
}
