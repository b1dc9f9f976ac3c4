import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LauncherError } from './launcher-error.ts';
import { type ProgramContext, spawnProgram } from './run-program.ts';

export type StopMode = 'smart' | 'fast' | 'immediate';

/** How a server ended. */
export interface ServerExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running postmaster. */
export interface ServerProcess {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  signal(signal: NodeJS.Signals): void;
}

export interface ServerProcessOptions {
  readonly context: ProgramContext;
  readonly postgres: string;
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly port: number;
  /** What to do with the server, and which folder to remove, when we die without stopping it. */
  readonly orphan: { readonly signal: 'INT' | 'QUIT'; readonly remove: string };
  readonly startTimeoutMs: number;
  onLog(line: string): void;
}

/** Starts a postmaster; resolves when it accepts connections. Rejects with a LauncherError that quotes its log. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const child = spawnProgram(options.context, options.postgres, options.args);
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (status, signal) => resolve({ status, signal }));
    child.once('error', () => resolve({ status: null, signal: null }));
  });
  const pid = await spawnedPid(child);
  const dismiss = guardAgainstOrphans(pid, options.orphan);
  void exited.then(dismiss);

  const recent: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const timeout = setTimeout(() => {
      process.kill(pid, 'SIGQUIT');
      reject(startError(options, recent, `did not accept connections within ${options.startTimeoutMs} ms`));
    }, options.startTimeoutMs);
    for (const output of [child.stdout, child.stderr]) {
      if (!output) continue;
      createInterface({ input: output }).on('line', (line) => {
        recent.push(line);
        if (recent.length > 20) recent.shift();
        options.onLog(line);
        if (line.includes('database system is ready to accept connections')) {
          clearTimeout(timeout);
          resolve();
        }
      });
    }
    // 'close' comes after the last line of its log, 'exit' may not.
    child.once('close', (status) => {
      clearTimeout(timeout);
      reject(startError(options, recent, `ended with status ${status}`));
    });
  });
  return {
    pid,
    exited,
    signal(signal) {
      if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal);
    },
  };
}

function spawnedPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new LauncherError('cannot_run', `Cannot start Postgres: ${cause.message}.`)));
    child.once('spawn', () => resolve(child.pid as number));
  });
}

function startError(options: ServerProcessOptions, log: readonly string[], what: string): LauncherError {
  const detail = log.join('\n');
  if (detail.includes('postmaster.pid" already exists')) {
    return new LauncherError('data_dir_in_use', `Another Postgres is running in ${options.dataDir}.`, detail);
  }
  if (detail.includes('Address already in use')) {
    return new LauncherError('port_in_use', `Port ${options.port} for Postgres is taken.`, detail);
  }
  if (detail.includes('database files are incompatible with server')) {
    return new LauncherError(
      'data_dir_incompatible',
      `${options.dataDir} was made by another PostgreSQL version; move it away or delete it.`,
      detail,
    );
  }
  return new LauncherError('start_failed', `Postgres in ${options.dataDir} ${what}.`, detail);
}

/**
 * Postgres does not notice that its parent is gone. A small shell does: it holds the reading end of a pipe whose only
 * writer is this process, however it ends, and then stops the server. Where there is no shell, an exit hook must do.
 */
function guardAgainstOrphans(pid: number, orphan: ServerProcessOptions['orphan']): () => void {
  if (process.platform === 'win32') {
    const kill = (): void => void process.kill(pid);
    process.once('exit', kill);
    return () => process.off('exit', kill);
  }
  const script =
    'while read -r _; do :; done; kill -"$2" "$1" 2>/dev/null; ' +
    'i=0; while kill -0 "$1" 2>/dev/null && [ $i -lt 100 ]; do i=$((i+1)); sleep 0.1; done; rm -rf "$3"';
  const guard = spawn('/bin/sh', ['-c', script, 'postern-guard', String(pid), orphan.signal, orphan.remove], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {});
  guard.unref();
  guard.stdin?.on('error', () => {});
  // Also a socket that must not keep this process alive.
  (guard.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return () => guard.kill('SIGKILL');
}
