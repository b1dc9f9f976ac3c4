import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Path, Step } from './first-steps.ts';

/** A step that was done. */
export interface PlayedStep {
  readonly step: Step;
  /** What was printed until it ended, or was ready. */
  readonly output: string;
  readonly seconds: number;
}

export interface PlayedPath {
  readonly path: Path;
  readonly steps: readonly PlayedStep[];
  readonly seconds: number;
}

export interface PlayOptions {
  /** Folder of the packed packages, under the names the commands use. */
  readonly packed: string;
  /** For what this machine cannot reach. */
  readonly environment: Readonly<Record<string, string>>;
}

const maxStepMs = 300_000;

/** Plays one path in an empty folder, with an empty home folder. Throws with the output when a step fails. */
export async function playPath(path: Path, { packed, environment }: PlayOptions): Promise<PlayedPath> {
  const parent = mkdtempSync(join(tmpdir(), `postern-${path.name}-`));
  const running: ChildProcess[] = [];
  const folderOf = (name: string): string => {
    mkdirSync(join(parent, name), { recursive: true });
    return join(parent, name);
  };
  const readable = (text: string): string =>
    clean(text).replaceAll(packed, '../packed').replaceAll(join(parent, path.name), '~').replaceAll(parent, '~/..');

  async function play(step: Step): Promise<string> {
    if (step.kind === 'write') {
      const file = join(folderOf(path.name), step.file);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, step.text);
      return '';
    }
    const child = spawn('bash', ['-c', step.command.replaceAll('{packed}', packed)], {
      cwd: folderOf((step.kind === 'start' ? step.folder : undefined) ?? path.name),
      env: { PATH: process.env.PATH, HOME: folderOf('home'), CI: '1', NO_COLOR: '1', ...quiet, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    running.push(child);
    return readable(await outputOf(child, step));
  }

  try {
    const steps: PlayedStep[] = [];
    for (const step of path.steps) {
      const from = performance.now();
      const output = await play(step);
      steps.push({ step, output, seconds: (performance.now() - from) / 1000 });
    }
    const last = steps.at(-1)?.output.trim();
    if (last !== path.answers) throw new Error(`${path.title}: the answer was ${last}, not ${path.answers}`);
    return { path, steps, seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0) };
  } finally {
    await Promise.all(running.map(stop));
    rmSync(parent, { recursive: true, force: true });
  }
}

const quiet = {
  npm_config_fund: 'false',
  npm_config_audit: 'false',
  npm_config_yes: 'true',
  npm_config_update_notifier: 'false',
  NEXT_TELEMETRY_DISABLED: '1',
  WRANGLER_SEND_METRICS: 'false',
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
};

/** What it prints until it ends or, when it goes on, until it is ready. */
function outputOf(child: ChildProcess, step: Step & { kind: 'run' | 'start' }): Promise<string> {
  return new Promise((settle, reject) => {
    let output = '';
    const fail = (why: string): void => reject(new Error(`${step.command}: ${why}\n${output}`));
    const timer = setTimeout(() => fail(`not done after ${maxStepMs / 1000} s`), maxStepMs);
    const done = (): void => {
      clearTimeout(timer);
      settle(output);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
        if (step.kind === 'start' && step.until.test(clean(output))) done();
      });
    }
    child.on('close', (code) => {
      clearTimeout(timer);
      if (step.kind === 'run' && code === 0) done();
      else fail(`ended with ${code}`);
    });
  });
}

/** Ends a command and what it has started. */
async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((settle) => child.on('close', settle));
  if (child.exitCode !== null || child.signalCode !== null) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      return; // all of them are gone
    }
    const isOver = await Promise.race([ended.then(() => true), new Promise((wake) => setTimeout(wake, 10_000, false))]);
    if (isOver) return;
  }
}

function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours and cursor movements
  return text.replace(/\u001B\[[\d;?]*[A-Za-z]/g, '').replace(/\r/g, '');
}
