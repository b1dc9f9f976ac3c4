import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// The program as a stranger runs it: the built bin/postern.js in a process of its own.

export const repositoryRoot: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const bin = resolve(repositoryRoot, 'apps/postern/bin/postern.js');

/** Builds the program from the sources of this moment; free when nothing changed. */
export function buildProgram(): void {
  const turbo = resolve(repositoryRoot, 'node_modules/.bin/turbo');
  const { status, stdout, stderr } = spawnSync(turbo, ['run', 'build', '--filter=@postern/cli'], {
    cwd: repositoryRoot,
    env: { ...process.env, PATH: `${dirname(turbo)}:${process.env.PATH}`, TURBO_TELEMETRY_DISABLED: '1' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The program could not be built:\n${stdout}${stderr}`);
}

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running `postern`. */
export interface RunningProgram {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with its first event line; rejects when it ends before. */
  listening(): Promise<{ http: string; tcp: string }>;
  /** Resolves when standard output contains the text; rejects when the program ends before. */
  printed(text: string): Promise<void>;
  readonly exited: Promise<ProgramExit>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<ProgramExit>;
}

export interface StartProgramOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts `postern …`. Its environment is empty but for PATH and what is given. */
export function startProgram(args: readonly string[], options: StartProgramOptions = {}): RunningProgram {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd ?? repositoryRoot,
    env: { PATH: process.env.PATH, ...binariesOfTheTests(), ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    changed();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  let hasExited = false;
  const exited = new Promise<ProgramExit>((settle) => {
    child.on('close', (code, signal) => {
      hasExited = true;
      settle({ code, signal });
      changed();
    });
  });

  const program: RunningProgram = {
    child,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    async listening() {
      await program.printed('\n');
      return JSON.parse(stdout.slice(0, stdout.indexOf('\n'))) as { http: string; tcp: string };
    },
    printed(text) {
      return new Promise((settle, reject) => {
        const look = (): void => {
          if (stdout.includes(text)) settle();
          else if (hasExited)
            reject(new Error(`postern ended without printing ${JSON.stringify(text)}:\n${stdout}${stderr}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      });
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
  return program;
}

/** Runs `postern …` to its end. */
export async function runProgram(
  args: readonly string[],
  options?: StartProgramOptions,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = startProgram(args, options);
  const { code } = await program.exited;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

function binariesOfTheTests(): Record<string, string> {
  const bin = process.env.POSTERN_TEST_PG_BIN;
  return bin ? { POSTERN_PG_BIN: bin } : {};
}
