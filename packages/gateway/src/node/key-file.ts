/** The keys file: read again when it changed, so that a key is good, or gone, within a second of the command. */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { emptyKeyFile, formatKeyFile, type KeyEntry, type KeyFile, parseKeyFile } from '../keys/key-entry.ts';
import type { KeySource } from '../keys/key-ring.ts';

export interface KeyFileSourceOptions {
  readonly path: string;
  /** Milliseconds. */
  readonly now: () => number;
  /** The file cannot be read any more: the keys of the last time stay good. */
  readonly onError: (error: Error) => void;
}

const checkEveryMs = 1_000;

/** Keys from a file that may not exist yet. Throws an Error when it is there but cannot be read. */
export function createKeyFileSource({ path, now, onError }: KeyFileSourceOptions): KeySource {
  let version = fileVersion(path);
  let byHash = index(readKeyFile(path));
  let checkedAt = now();
  let checking: Promise<void> | undefined;

  async function check(): Promise<void> {
    checkedAt = now();
    try {
      const found = await stat(path).then(versionOf, () => '');
      if (found === version) return;
      byHash = index(readKeyFile(path));
      version = found;
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  return {
    async entryOf(hash) {
      if (now() - checkedAt >= checkEveryMs) {
        checking ??= check().finally(() => {
          checking = undefined;
        });
      }
      // Whoever comes while it is read waits for it: a revoked key must not slip through behind the check.
      await checking;
      return byHash.get(hash);
    },
  };
}

/** The file's content; no file is no keys. Throws an Error naming the file. */
export function readKeyFile(path: string): KeyFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyKeyFile;
    throw new Error(`cannot read the keys file ${path}: ${(error as Error).message}`);
  }
  try {
    return parseKeyFile(text);
  } catch (error) {
    throw new Error(`the keys file ${path} is broken: ${(error as Error).message}`);
  }
}

/** Replaces the file in one step; nobody but its owner can read it. */
export function writeKeyFile(path: string, file: KeyFile): void {
  mkdirSync(dirname(path), { recursive: true });
  const next = `${path}.${process.pid}.next`;
  writeFileSync(next, formatKeyFile(file), { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, path);
}

function index({ keys }: KeyFile): ReadonlyMap<string, KeyEntry> {
  return new Map(keys.map((entry) => [entry.hash, entry]));
}

function fileVersion(path: string): string {
  try {
    return versionOf(statSync(path));
  } catch {
    return '';
  }
}

function versionOf({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string {
  return `${ino}/${size}/${mtimeMs}`;
}
