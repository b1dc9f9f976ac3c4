/**
 * A gateway in a process of its own: its memory can be measured, and an exception nobody caught ends it and not the tests.
 * Its source is bundled as it is now, because Node alone does not run it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayStats, StartGatewayOptions } from '@postern/gateway';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { build } from 'vite';
import type { FromGateway, ToGateway } from './gateway-process/messages.ts';

/** Everything but functions: it travels as JSON. */
export type GatewaySettings = Omit<Partial<StartGatewayOptions>, 'log' | 'dial' | 'http' | 'tcp' | 'endpoints'>;

export interface GatewayProcess {
  readonly database: TestDatabase;
  readonly httpPort: number;
  readonly tcpPort: number;
  /** For clients of the Postgres protocol: pooled. */
  readonly tcpUrl: string;
  /** For the official driver and for `/sql`: only the host's name asks for the pool. */
  readonly poolerUrl: string;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  stats(): Promise<GatewayStats>;
  /** Resident memory as the kernel counts it: now, and the most there ever was. */
  memory(): { readonly nowBytes: number; readonly peakBytes: number };
  readonly isAlive: boolean;
  /** Ends it and drops the database. Throws when the process had ended by itself or reported a defect. */
  close(): Promise<void>;
}

export interface GatewayProcessOptions {
  readonly gateway?: GatewaySettings;
  /** Instead of a new database in the run's cluster. */
  readonly database?: TestDatabase;
  /** Where the gateway finds Postgres, when something stands between. */
  readonly postgresPort?: number;
  /** Megabytes of JavaScript objects it may have. */
  readonly maxHeapMegabytes?: number;
}

export async function startGatewayProcess(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const database = options.database ?? (await createTestDatabase());
  const databaseUrl = new URL(database.url);
  if (options.postgresPort !== undefined) databaseUrl.port = String(options.postgresPort);
  const bundle = await bundleProgram();
  const settings = { ...options.gateway, endpoints: [{ name: 'main', databaseUrl: databaseUrl.href }] };
  const child = fork(join(bundle, 'gateway.mjs'), [JSON.stringify(settings)], {
    execArgv: options.maxHeapMegabytes === undefined ? [] : [`--max-old-space-size=${options.maxHeapMegabytes}`],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const events: Readonly<Record<string, unknown>>[] = [];
  const asked: ((stats: GatewayStats) => void)[] = [];
  let wasStopped = false;
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const { httpPort, tcpPort } = await new Promise<{ httpPort: number; tcpPort: number }>((resolve, reject) => {
    child.on('exit', () => reject(new Error('the gateway process ended')));
    child.on('message', (message: FromGateway) => {
      if (message.kind === 'listening') resolve(message);
      else if (message.kind === 'event') events.push(message.event);
      else asked.shift()?.(message.stats);
    });
  });
  const send = (message: ToGateway): void => void child.send(message);
  const login = `${encodeURIComponent(database.user)}:${encodeURIComponent(database.password)}`;
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;

  return {
    database,
    httpPort,
    tcpPort,
    tcpUrl: `postgres://${login}@127.0.0.1:${tcpPort}/${database.name}?options=pooled%3Dtrue`,
    poolerUrl: `postgres://${login}@main-pooler.db.test/${database.name}`,
    events,
    stats: () =>
      new Promise((resolve) => {
        asked.push(resolve);
        send('stats');
      }),
    memory: () => memoryOf(child),
    get isAlive() {
      return isAlive();
    },
    async close() {
      const endedByItself = !isAlive();
      if (!wasStopped && !endedByItself) send('stop');
      wasStopped = true;
      await exited;
      rmSync(bundle, { recursive: true, force: true });
      await database.drop();
      if (endedByItself) throw new Error(`the gateway process ended by itself: ${child.exitCode ?? child.signalCode}`);
      const defects = events.filter(({ event }) => event === 'internal_error');
      if (defects.length > 0) throw new Error(`the gateway reported a defect: ${JSON.stringify(defects)}`);
    },
  };
}

async function bundleProgram(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-gateway-'));
  await build({
    configFile: false,
    logLevel: 'error',
    root: import.meta.dirname,
    ssr: { noExternal: true, external: ['bufferutil', 'utf-8-validate'] },
    build: {
      ssr: join(import.meta.dirname, 'gateway-process/main.ts'),
      outDir: folder,
      emptyOutDir: true,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: 'gateway.mjs' } },
    },
  });
  return folder;
}

function memoryOf(child: ChildProcess): { nowBytes: number; peakBytes: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { nowBytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 };
}
