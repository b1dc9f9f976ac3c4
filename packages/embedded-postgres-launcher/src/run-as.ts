import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';
import { LauncherError } from './launcher-error.ts';

// PostgreSQL refuses to run as root, and we change nothing on the host (no new users): as root it runs as `nobody`,
// who exists everywhere. nobody cannot see into a private home folder, hence the other ways, tried in order.

/** How Postgres is started: under which identity, and who has to own its files. */
export interface RunAs {
  readonly way: 'self' | 'nobody' | 'user-namespace' | 'capability';
  /** Owner of the data directory; undefined leaves it to us. */
  readonly owner: number | undefined;
  readonly spawnOptions: { readonly uid?: number; readonly gid?: number };
  command(file: string, args: readonly string[]): { file: string; args: string[] };
}

const nobody = 65534;

const self: RunAs = {
  way: 'self',
  owner: undefined,
  spawnOptions: {},
  command: (file, args) => ({ file, args: [...args] }),
};

const wrapped = (way: RunAs['way'], owner: number, wrapper: string, wrapperArgs: readonly string[]): RunAs => ({
  way,
  owner,
  spawnOptions: {},
  command: (file, args) => ({ file: wrapper, args: [...wrapperArgs, '--', file, ...args] }),
});

const plainNobody: RunAs = { ...self, way: 'nobody', owner: nobody, spawnOptions: { uid: nobody, gid: nobody } };

const waysForRoot: readonly RunAs[] = [
  plainNobody,
  // Outside the namespace it is still root, so it reaches what root reaches (needs CAP_SYS_ADMIN).
  wrapped('user-namespace', 0, 'unshare', ['--user', `--map-user=${nobody}`, `--map-group=${nobody}`]),
  // nobody with the one capability that opens private folders; most containers grant it. For the data directory only:
  // Postgres looks for its own program with access(2), which does not count capabilities.
  wrapped('capability', nobody, 'setpriv', [
    `--reuid=${nobody}`,
    `--regid=${nobody}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
  ]),
];

/**
 * Chooses how to run Postgres so that it reaches its binaries and every one of `folders` (which must exist; the caller owns them).
 * The folders belong to the owner of the chosen way afterwards. When nothing else helps, the binaries are copied into `copyFolder`.
 */
export function chooseRunAs(
  binaries: PostgresBinaries,
  folders: readonly string[],
  copyFolder: string,
): { runAs: RunAs; binaries: PostgresBinaries } {
  if (process.getuid?.() !== 0) return { runAs: self, binaries };
  for (const candidate of [binaries, undefined]) {
    const tried = candidate ?? copyBinaries(binaries, copyFolder);
    for (const runAs of waysForRoot) {
      for (const folder of folders) giveTo(folder, runAs.owner);
      if (reaches(runAs, tried, folders)) return { runAs, binaries: tried };
    }
  }
  throw new LauncherError(
    'cannot_run',
    'PostgreSQL refuses to run as root, and the user "nobody" cannot reach its folders ' +
      `(${[binaries.root, ...folders].join(', ')}). Run as another user, or use folders that everybody may enter.`,
  );
}

function reaches(runAs: RunAs, binaries: PostgresBinaries, folders: readonly string[]): boolean {
  return (
    succeeds(runAs, 'for f; do test -w "$f" && test -x "$f" || exit 1; done', folders) &&
    succeeds(runAs.way === 'capability' ? plainNobody : runAs, 'test -x "$1" && test -x "$2"', [
      binaries.postgres,
      binaries.initdb,
    ])
  );
}

function succeeds(runAs: RunAs, script: string, parameters: readonly string[]): boolean {
  const { file, args } = runAs.command('/bin/sh', ['-c', script, 'sh', ...parameters]);
  return spawnSync(file, args, { ...runAs.spawnOptions, cwd: '/', stdio: 'ignore' }).status === 0;
}

function copyBinaries(binaries: PostgresBinaries, folder: string): PostgresBinaries {
  const root = join(folder, basename(binaries.root));
  cpSync(binaries.root, root, { recursive: true, verbatimSymlinks: true });
  const move = (file: string): string => join(root, file.slice(binaries.root.length));
  return { root, initdb: move(binaries.initdb), postgres: move(binaries.postgres) };
}

/** Makes `owner` the owner of a folder and everything in it, when it is not already. Symbolic links are not followed. */
export function giveTo(folder: string, owner: number | undefined): void {
  if (owner === undefined || statSync(folder).uid === owner) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(path, owner);
    else if (entry.isFile()) chownSync(path, owner, owner);
  }
  chownSync(folder, owner, owner);
}
