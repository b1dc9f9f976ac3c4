/** The keys file: read again when it changed, so that a key is good, or gone, as soon as the command is done. */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { emptyKeyFile, formatKeyFile, type KeyEntry, type KeyFile, parseKeyFile } from '../keys/key-entry.ts';
import type { KeySource } from '../keys/key-ring.ts';

export interface KeyFileSourceOptions {
  readonly path: string;
  /** The file cannot be read any more: the keys of the last time stay good. */
  readonly onError: (error: Error) => void;
}

/** Keys from a file that may not exist yet. Throws an Error when it is there but cannot be read. */
export function createKeyFileSource({ path, onError }: KeyFileSourceOptions): KeySource {
  let version = fileVersion(path);
  let byId = index(readKeyFile(path));

  /** Asks the file system each time: a few microseconds, and a revoked key is refused at once. */
  function current(): ReadonlyMap<string, KeyEntry> {
    const found = fileVersion(path);
    if (found === version) return byId;
    // Also when it is broken: once per version is enough.
    version = found;
    try {
      byId = index(readKeyFile(path));
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
    return byId;
  }

  return { entryOf: (id) => current().get(id), isEmpty: () => current().size === 0 };
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
  return new Map(keys.map((entry) => [entry.id, entry]));
}

function fileVersion(path: string): string {
  try {
    // No exception for what is usual: there are no keys.
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? '' : versionOf(found);
  } catch {
    return '';
  }
}

function versionOf({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string {
  return `${ino}/${size}/${mtimeMs}`;
}
