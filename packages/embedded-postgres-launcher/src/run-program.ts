import { type ChildProcess, spawn } from 'node:child_process';
import type { RunAs } from './run-as.ts';

/** How the programs of one installation are run. */
export interface ProgramContext {
  readonly runAs: RunAs;
  /** LD_LIBRARY_PATH, when the dynamic linker needs one. */
  readonly libraryPath: string | undefined;
}

/** Spawns a Postgres program in a process group of its own: a Ctrl-C in the terminal is for us, we decide when it stops. */
export function spawnProgram(context: ProgramContext, program: string, programArgs: readonly string[]): ChildProcess {
  const { file, args } = context.runAs.command(program, programArgs);
  return spawn(file, args, {
    ...context.runAs.spawnOptions,
    cwd: '/',
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
    // Not the caller's environment: PGDATA, PGPORT or LC_ALL of a developer's shell must not reach this server.
    env: {
      PATH: process.env.PATH,
      ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {}),
      ...(context.libraryPath === undefined ? {} : { LD_LIBRARY_PATH: context.libraryPath }),
      LC_ALL: 'C',
      TZ: 'UTC',
    },
  });
}

/** Runs a program to its end and returns what it printed, both streams together. */
export function runProgram(
  context: ProgramContext,
  program: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawnProgram(context, program, args);
    let output = '';
    const collect = (chunk: Buffer): void => {
      if (output.length < 64 * 1024) output += chunk.toString();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}
