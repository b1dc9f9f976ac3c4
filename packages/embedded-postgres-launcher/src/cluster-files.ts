import { createHash } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';
import { LauncherError } from './launcher-error.ts';
import { giveTo } from './run-as.ts';
import { type ProgramContext, runProgram } from './run-program.ts';

/** What `initdb` writes into a new cluster and cannot be changed by a setting later. */
export interface ClusterSeed {
  readonly superuser: string;
  readonly password: string;
  readonly passwordEncryption: 'scram-sha-256' | 'md5';
  /** false: nobody minds losing this cluster, do not wait for the disk. */
  readonly durable: boolean;
}

/** true when the folder already holds a cluster. */
export function holdsCluster(dataDir: string): boolean {
  return existsSync(join(dataDir, 'PG_VERSION'));
}

/** Runs `initdb` into an empty folder. */
export async function createCluster(
  binaries: PostgresBinaries,
  context: ProgramContext,
  dataDir: string,
  runDir: string,
  seed: ClusterSeed,
): Promise<void> {
  const passwordFile = join(runDir, 'initdb-password');
  writeOwned(passwordFile, `${seed.password}\n`, context.runAs.owner);
  try {
    const { status, output } = await runProgram(context, binaries.initdb, [
      ...['--pgdata', dataDir, '--username', seed.superuser, '--pwfile', passwordFile],
      ...['--encoding=UTF8', '--locale=C', '--no-instructions', `--auth=${seed.passwordEncryption}`],
      ...(seed.durable ? [] : ['--no-sync']),
    ]);
    if (status !== 0) {
      throw new LauncherError('initdb_failed', `initdb could not create ${dataDir} (status ${status}).`, output.trim());
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * Fills an empty folder with a fresh cluster by copying one made earlier: `initdb` takes a second, a copy a tenth of it.
 * The templates live in a private folder below the system's temporary one.
 */
export async function copyTemplateCluster(
  binaries: PostgresBinaries,
  context: ProgramContext,
  dataDir: string,
  runDir: string,
  seed: ClusterSeed,
): Promise<void> {
  const shelf = templateShelf();
  const version = await runProgram(context, binaries.postgres, ['--version']);
  const key = JSON.stringify([version.output, statSync(binaries.postgres).size, seed]);
  const template = join(shelf, createHash('sha256').update(key).digest('hex').slice(0, 24));
  if (!existsSync(template)) {
    await createCluster(binaries, context, dataDir, runDir, seed);
    // Copied aside first and then renamed: whoever sees a template sees a whole one.
    const copy = mkdtempSync(`${template}.`);
    try {
      cpSync(dataDir, copy, { recursive: true });
      renameSync(copy, template);
    } catch {
      rmSync(copy, { recursive: true, force: true });
    }
    dropOldTemplates(shelf);
    return;
  }
  for (const entry of readdirSync(template)) {
    cpSync(join(template, entry), join(dataDir, entry), { recursive: true });
  }
  if (context.runAs.owner !== undefined) {
    chownSync(dataDir, 0, 0);
    giveTo(dataDir, context.runAs.owner);
  }
}

function templateShelf(): string {
  const uid = process.getuid?.();
  const shelf = join(tmpdir(), `postern-pg-templates-${uid ?? 'user'}`);
  mkdirSync(shelf, { recursive: true, mode: 0o700 });
  // The temporary folder is everybody's: what somebody else put there, a link to a folder of ours too, is not trusted.
  const found = lstatSync(shelf);
  const isOurs = found.isDirectory() && (uid === undefined || found.uid === uid);
  if (!isOurs) return mkdtempSync(join(tmpdir(), 'postern-pg-templates-'));
  return shelf;
}

/** Each takes 40 MB, and new versions and passwords bring new ones. Young ones stay: somebody may be copying them. */
const maxTemplates = 12;
const minTemplateAgeMs = 86_400_000;

function dropOldTemplates(shelf: string): void {
  const templates = readdirSync(shelf)
    .map((name) => ({ path: join(shelf, name), madeMs: statSync(join(shelf, name)).ctimeMs }))
    .sort((a, b) => b.madeMs - a.madeMs);
  for (const { path, madeMs } of templates.slice(maxTemplates)) {
    if (madeMs < Date.now() - minTemplateAgeMs) rmSync(path, { recursive: true, force: true });
  }
}

/** Writes a file that only the server's user may read. */
export function writeOwned(path: string, content: string, owner: number | undefined): void {
  writeFileSync(path, content, { mode: 0o600 });
  if (owner !== undefined) chownSync(path, owner, owner);
}
