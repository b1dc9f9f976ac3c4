// `npx @postern/cli dev` on a machine that has Node and nothing else: no package.json, no npm cache, no Postgres.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { neon, neonConfig } from '@neondatabase/serverless';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { named, packPublished } from './published-packages.ts';

const packed = packPublished();
const { tarball } = named(packed.packages, '@postern/cli');
// Whoever runs npx has to reach the tarball.
chmodSync(packed.folder, 0o755);
afterAll(packed.remove);

interface Npx {
  readonly child: ChildProcess;
  printed(text: string): Promise<string>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const nobody = 65534;
const users: [string, { uid?: number; gid?: number }][] =
  process.getuid?.() === 0
    ? [
        ['root', {}],
        ['nobody', { uid: nobody, gid: nobody }],
      ]
    : [['this user', {}]];

describe.each(users)('as %s', (_name, user) => {
  let parent: string;
  const started: Npx[] = [];

  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), 'postern-npx-'));
    for (const folder of [parent, join(parent, 'home'), join(parent, 'empty')]) {
      mkdirSync(folder, { recursive: true });
      if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
    }
  });
  afterEach(async () => {
    for (const npx of started.splice(0)) {
      npx.child.kill('SIGTERM');
      await npx.exited;
    }
    await expect.poll(isStopped, { timeout: 30_000 }).toBe(true);
  });
  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  const here = (path: string): string => join(parent, 'empty/.postern', path);

  /** Both go when gateway and Postgres have stopped in order. */
  function isStopped(): boolean {
    return (
      !existsSync(here('dev.json')) && !readdirSync(here('')).some((name) => existsSync(here(`${name}/postmaster.pid`)))
    );
  }

  function dev(): Npx {
    const ports = ['--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0'];
    const child = spawn('npx', ['--yes', `--package=${tarball}`, 'postern', 'dev', ...ports], {
      cwd: join(parent, 'empty'),
      env: { PATH: process.env.PATH, HOME: join(parent, 'home') },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...user,
    });
    let output = '';
    const watchers = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        for (const watcher of watchers) watcher();
      });
    }
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((settle) => {
      child.on('exit', (code, signal) => settle({ code, signal }));
    });
    const npx: Npx = {
      child,
      exited,
      printed: (text) =>
        new Promise((settle, reject) => {
          const look = (): void => {
            if (output.includes(text)) settle(output);
          };
          watchers.add(look);
          look();
          void exited.then(() => reject(new Error(`npx ended without printing ${text}:\n${output}`)));
        }),
    };
    started.push(npx);
    return npx;
  }

  /** What the official driver gets from the printed address. */
  async function answer(output: string): Promise<unknown> {
    const [http] = /(?<=HTTP and WebSocket {3})http:\S+/.exec(output) ?? [];
    const [pooled] = /(?<=pooled {15})postgres:\S+/.exec(output) ?? [];
    neonConfig.fetchEndpoint = `${http}/sql`;
    return neon(pooled!)`SELECT 6 * ${7}::int AS answer`;
  }

  test('installs, starts Postgres, answers the official driver, and exits with 0 at SIGTERM', {
    timeout: 120_000,
  }, async () => {
    const npx = dev();
    const output = await npx.printed('Stop with Ctrl-C. Events:');
    expect(isStopped()).toBe(false);
    expect(output).toMatch(/^Postern \d+\.\d+\.\d+ is open\.$/m);
    expect(await answer(output)).toEqual([{ answer: 42 }]);
    // The signal is for the program: npm passes none on.
    const { pid } = JSON.parse(readFileSync(here('dev.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGTERM');
    expect(await npx.exited).toEqual({ code: 0, signal: null });
  });

  test('leaves nothing behind when npx is ended by a signal', { timeout: 120_000 }, async () => {
    const npx = dev();
    const output = await npx.printed('Stop with Ctrl-C. Events:');
    expect(await answer(output)).toEqual([{ answer: 42 }]);
    npx.child.kill('SIGTERM');
    await npx.exited;
    await expect.poll(isStopped, { timeout: 30_000 }).toBe(true);
    await expect(answer(output)).rejects.toThrow(/ECONNREFUSED|fetch failed/);
  });
});
