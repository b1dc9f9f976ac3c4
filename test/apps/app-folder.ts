import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { codeBlocks } from '../docs/code-blocks.ts';

/** One of the example apps, and the commands a developer gives in its folder. */
export interface AppFolder {
  readonly path: string;
  /** What the blocks of its README say that are marked as runnable. Throws for one that does not say why it is not. */
  runnableBlocks(): string[];
  /** Runs a command to its end; gives what it printed. Throws with that when the command fails. */
  run(command: string, environment?: Environment): Promise<string>;
  /** Starts a command that goes on until it is stopped. */
  start(command: string, environment?: Environment): RunningCommand;
  /** Stops what is still running, and removes the database of a `postern dev` if there was none before. */
  close(): Promise<void>;
}

export interface RunningCommand {
  /** Resolves with the first match in what it prints; rejects when it ends before. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Ends it and all it started; resolves when they are gone. */
  stop(): Promise<void>;
}

export type Environment = Readonly<Record<string, string>>;

const repositoryRoot = resolve(import.meta.dirname, '../..');

export function openAppFolder(name: string): AppFolder {
  const path = join(repositoryRoot, 'apps', name);
  const home = mkdtempSync(join(tmpdir(), 'postern-apps-'));
  const data = join(path, '.postern');
  const hadData = existsSync(data);
  const running = new Set<RunningCommand>();

  function start(command: string, environment: Environment = {}): RunningCommand & { readonly ended: Promise<Ending> } {
    const child = spawn('sh', ['-c', command], {
      cwd: path,
      env: { ...baseEnvironment(home), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group: npm and sh do not hand signals on.
      detached: true,
    });
    const started = watch(child, command);
    const stoppable = {
      ...started,
      async stop() {
        running.delete(stoppable);
        await started.stop();
      },
    };
    running.add(stoppable);
    return stoppable;
  }

  return {
    path,
    start,
    runnableBlocks() {
      const blocks = codeBlocks(`apps/${name}/README.md`, readFileSync(join(path, 'README.md'), 'utf8'));
      const silent = blocks.find(({ isRunnable, shown }) => !isRunnable && !shown);
      if (silent) throw new Error(`${silent.file}:${silent.line}: this block is neither runnable nor shown=…`);
      return blocks.filter(({ isRunnable }) => isRunnable).map(({ code }) => code);
    },
    async run(command, environment) {
      const { code, output } = await start(command, environment).ended;
      if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
      return output;
    },
    async close() {
      await Promise.all([...running].map((command) => command.stop()));
      rmSync(home, { recursive: true, force: true });
      if (!hadData) rmSync(data, { recursive: true, force: true });
    },
  };
}

interface Ending {
  readonly code: number | null;
  readonly output: string;
}

function watch(child: ChildProcess, command: string): RunningCommand & { readonly ended: Promise<Ending> } {
  let output = '';
  let hasEnded = false;
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const look of watchers) look();
  };
  const collect = (text: unknown): void => {
    output += text;
    changed();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);

  const kill = (): void => signal(child, 'SIGKILL');
  process.on('exit', kill);
  // Not `exit`: what it started may hold its output open, and is not gone before it is closed.
  const ended = new Promise<Ending>((settle, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('exit', kill);
      hasEnded = true;
      settle({ code, output });
      changed();
    });
  });

  return {
    ended,
    printed: (pattern) =>
      new Promise((settle, reject) => {
        const look = (): void => {
          const match = output.match(pattern);
          if (match) settle(match);
          else if (hasEnded) reject(new Error(`${command} ended without printing ${pattern}:\n${output}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
    async stop() {
      signal(child, 'SIGTERM');
      await ended;
    },
  };
}

/** To the whole group; nothing when it is gone. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Nobody's home, no questions, no telemetry; and the schema engine of test/clients for the one Prisma would download. */
function baseEnvironment(home: string): Environment {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    CI: 'true',
    NO_COLOR: '1',
    CHECKPOINT_DISABLE: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    PRISMA_SCHEMA_ENGINE_BINARY: join(repositoryRoot, 'test/clients/schema-engine-shim/schema-engine.mjs'),
    WRANGLER_SEND_METRICS: 'false',
    npm_config_update_notifier: 'false',
    // `postern dev` on ports nobody else has.
    POSTERN_HTTP: '127.0.0.1:0',
    POSTERN_TCP: '127.0.0.1:0',
    ...(process.env.POSTERN_TEST_PG_BIN ? { POSTERN_PG_BIN: process.env.POSTERN_TEST_PG_BIN } : {}),
  };
}
