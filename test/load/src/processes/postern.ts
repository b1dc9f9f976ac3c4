import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from './running-process.ts';
import type { World } from './world.ts';

/** The gateway as it is shipped: the built program, in a process of its own. */
export interface RunningPostern {
  readonly pid: number;
  readonly tcpPort: number;
  readonly httpPort: number;
  readonly process: RunningProcess;
  stop(): Promise<void>;
}

/** `one by one`: no two callers' queries share a server connection. */
export type PosternKind = 'plain' | 'tls' | 'one by one';

/** Callers of the largest scenario, and some. */
const maxCallers = 12_000;

/** Lets the bench ask for a garbage collection, so that memory in use can be told from memory not yet given back. */
const collectOnSignal = ['--expose-gc', '--import', "data:text/javascript,process.on('SIGUSR2',()=>gc())"];

export async function startPostern(
  world: World,
  kind: PosternKind,
  collects: 'on signal' | 'by itself' = 'by itself',
): Promise<RunningPostern> {
  const { root, poolSize, profileFolder, program } = world.options;
  const postgres = await world.postgres();
  const profile = profileFolder ? ['--cpu-prof', '--cpu-prof-dir', profileFolder] : [];
  const running = startProcess(
    process.execPath,
    [
      ...profile,
      ...(collects === 'on signal' ? collectOnSignal : []),
      program ?? join(root, 'apps/postern/bin/postern.js'),
      'serve',
      ...['--database-url', postgres.url(), '--pool-size', String(poolSize)],
      ...['--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0', '--log-format', 'json', '--shutdown-grace', '1s'],
      // Ten thousand callers with one query each wait longer than a person would.
      ...['--pool-timeout', '60s'],
      ...(kind === 'tls' ? certificate(world) : []),
    ],
    // Nothing of the bench's own surroundings may configure it; events after the first line are read and dropped.
    {
      cwd: world.folder,
      env: {
        PATH: process.env.PATH,
        POSTERN_MAX_CALLERS: String(maxCallers),
        POSTERN_MULTIPLEXING: String(kind !== 'one by one'),
      },
    },
  );
  const listening = JSON.parse(await running.firstLine()) as { http: string; tcp: string }; // contract of `serve`
  return {
    pid: running.pid,
    tcpPort: portOf(listening.tcp),
    httpPort: portOf(listening.http),
    process: running,
    stop: () => running.stop(),
  };
}

function portOf(address: string): number {
  return Number(/:(\d+)\/?$/.exec(address)?.[1]);
}

function certificate(world: World): string[] {
  const cert = join(world.folder, 'cert.pem');
  const key = join(world.folder, 'key.pem');
  const { status, stderr } = spawnSync(
    world.program('openssl') ?? 'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-keyout', key, '-out', cert],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`openssl made no certificate:\n${stderr}`);
  return ['--tls-cert', cert, '--tls-key', key];
}
