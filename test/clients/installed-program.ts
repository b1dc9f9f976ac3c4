/** Postgres' own programs, where the machine has them. */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Debian keeps the real programs, with a server beside them, below here. */
const debianFolders = Array.from({ length: 10 }, (_, n) => `/usr/lib/postgresql/${20 - n}/bin`);

/** Path of a program, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...debianFolders, ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The folder of the server that came with this program. */
export function serverBeside(program: string): string | undefined {
  const folder = dirname(realpathSync(program));
  return ['postgres', 'initdb'].every((name) => existsSync(join(folder, name))) ? folder : undefined;
}

/** Runs a program to its end; returns what it printed, and throws with what it complained about. */
export function runProgram(path: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(path, args, {
    env: { PATH: process.env.PATH, LC_ALL: 'C', PGCONNECT_TIMEOUT: '10' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    complaints += text;
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output + complaints);
      else reject(new Error(`${path} ended with ${code}: ${complaints}${output}`));
    });
  });
}
