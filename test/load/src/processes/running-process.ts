// Programs the bench starts. It ends those, by their process id, and no others.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';

export interface RunningProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The first line on standard output. */
  firstLine(): Promise<string>;
  readonly exited: Promise<number | null>;
  /** SIGTERM, and SIGKILL when that was not enough. */
  stop(): Promise<void>;
}

const startTimeoutMs = 20_000;
const stopTimeoutMs = 10_000;

/** Starts a program; its last lines of output are quoted when it fails. */
export function startProcess(command: string, args: readonly string[], options: SpawnOptions = {}): RunningProcess {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const lines: string[] = [];
  let stdout = '';
  let announce: (() => void) | undefined;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (stdout.includes('\n')) return;
    stdout += chunk.toString('utf8');
    if (stdout.includes('\n')) announce?.();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    lines.push(chunk.toString('utf8'));
    if (lines.length > 20) lines.shift();
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      lines.push(error.message);
      resolve(null);
    });
    child.once('close', resolve);
  });
  void exited.then(() => process.off('exit', kill));

  return {
    pid: child.pid ?? -1,
    child,
    exited,
    async firstLine() {
      const line = new Promise<boolean>((resolve) => {
        announce = () => resolve(true);
        if (stdout.includes('\n')) resolve(true);
      });
      const isThere = await Promise.race([line, exited.then(() => false), sleep(startTimeoutMs).then(() => false)]);
      if (!isThere) throw new Error(`${command} did not start:\n${lines.join('')}`);
      return stdout.slice(0, stdout.indexOf('\n'));
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(kill, stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The full path of a program on PATH (and where Debian hides daemons), or undefined. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  for (const folder of [...folders, ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {}
  }
  return undefined;
}

/** Resolves when the port accepts a connection. */
export async function waitForPort(port: number, owner: RunningProcess): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (await accepts(port)) return;
    const hasEnded = await Promise.race([owner.exited.then(() => true), sleep(50).then(() => false)]);
    if (hasEnded) break;
  }
  await owner.stop();
  throw new Error(`nothing listens on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
