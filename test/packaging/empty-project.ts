import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A folder as a stranger has it, with a home folder in which npm has never run. */
export interface EmptyProject {
  readonly folder: string;
  /** Nothing but what a program needs to run. */
  readonly environment: Readonly<Record<string, string>>;
  install(...packages: string[]): Promise<void>;
  write(path: string, text: string): string;
  /** Runs a program here; rejects with what it printed when it fails. */
  run(program: string, args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<string>;
  remove(): void;
}

export function createEmptyProject(): EmptyProject {
  const parent = mkdtempSync(join(tmpdir(), 'postern-new-'));
  const folder = join(parent, 'app');
  const home = join(parent, 'home');
  mkdirSync(folder);
  mkdirSync(home);
  const environment = { PATH: process.env.PATH ?? '', HOME: home, TMPDIR: tmpdir() };
  const project: EmptyProject = {
    folder,
    environment,
    async install(...packages) {
      await project.run('npm', ['install', '--no-audit', '--no-fund', '--save-exact', ...packages]);
    },
    write(path, text) {
      const absolute = join(folder, path);
      mkdirSync(join(absolute, '..'), { recursive: true });
      writeFileSync(absolute, text);
      return absolute;
    },
    async run(program, args, added = {}) {
      const options = { cwd: folder, env: { ...environment, ...added }, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 };
      const { stdout } = await run(program, [...args], options).catch((error) => {
        throw new Error(`${program} ${args.join(' ')}: ${error.code ?? error.signal}\n${error.stdout}${error.stderr}`);
      });
      return stdout;
    },
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
  project.write('package.json', `${JSON.stringify({ name: 'app', private: true, type: 'module' }, undefined, 2)}\n`);
  return project;
}
