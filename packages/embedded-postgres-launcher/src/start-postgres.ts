import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { linkMissingLibraries, locateBinaries } from './binaries.ts';
import { type ClusterSeed, copyTemplateCluster, createCluster, holdsCluster, writeOwned } from './cluster-files.ts';
import { findFreePort } from './free-port.ts';
import { LauncherError } from './launcher-error.ts';
import { chooseRunAs } from './run-as.ts';
import { type ServerExit, type ServerProcess, type StopMode, startServerProcess } from './server-process.ts';

export type AuthMethod = 'scram-sha-256' | 'password' | 'md5' | 'trust';

export interface StartPostgresOptions {
  /** Where the cluster lives and stays. Without it: a temporary one, not durable, removed at `stop()`. */
  readonly dataDir?: string;
  /** 0 or absent: a free port. Always on 127.0.0.1. */
  readonly port?: number;
  readonly superuser?: string;
  /** Only used when the cluster is created. */
  readonly password?: string;
  /** What pg_hba.conf asks of everybody. */
  readonly authMethod?: AuthMethod;
  /** Server settings, as for `postgres -c name=value`; they win over the launcher's own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf that come before the general one. */
  readonly hba?: readonly string[];
  /** PEM texts: turns TLS on. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** A folder with `initdb` and `postgres`, instead of the embedded ones. */
  readonly binDir?: string;
  readonly startTimeoutMs?: number;
  /** Each line of the server's log. */
  readonly onLog?: (line: string) => void;
  /** The server ended although nobody here stopped it. */
  readonly onUnexpectedExit?: (exit: ServerExit) => void;
}

/** A Postgres of ours. */
export interface RunningPostgres {
  readonly host: string;
  readonly port: number;
  /** Folder of the Unix socket; undefined where there is none (Windows, or a path too long for a socket). */
  readonly socketDir: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly dataDir: string;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** postgres://user:password@host:port/database (default `postgres`). */
  url(database?: string): string;
  /** Stops the server, and removes a temporary cluster. Can be called twice. */
  stop(mode?: StopMode): Promise<void>;
  /** Kills the postmaster the hard way (its backends follow) and keeps the files: `restart()` recovers. */
  kill(): Promise<void>;
  /** Stops (when running) and starts again on the same port and files. */
  restart(mode?: StopMode): Promise<void>;
}

const stopSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Starts a PostgreSQL server; resolves when it accepts connections. Throws LauncherError. */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<RunningPostgres> {
  const runDir = mkdtempSync(join(tmpdir(), 'postern-pg-'));
  try {
    return await startIn(runDir, options);
  } catch (error) {
    rmSync(runDir, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(runDir: string, options: StartPostgresOptions): Promise<RunningPostgres> {
  const temporary = options.dataDir === undefined;
  const dataDir = options.dataDir === undefined ? join(runDir, 'data') : resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const { runAs, binaries } = chooseRunAs(locateBinaries(options.binDir), [runDir, dataDir], runDir);
  const context = { runAs, libraryPath: linkMissingLibraries(binaries, join(runDir, 'lib')) };
  const seed: ClusterSeed = {
    superuser: options.superuser ?? 'postgres',
    password: options.password ?? 'postgres',
    passwordEncryption: options.authMethod === 'md5' ? 'md5' : 'scram-sha-256',
    durable: !temporary,
  };
  if (temporary) await copyTemplateCluster(binaries, context, dataDir, runDir, seed);
  else if (!holdsCluster(dataDir)) await createNamedCluster();
  const socketDir = process.platform !== 'win32' && runDir.length < 80 ? runDir : undefined;

  async function createNamedCluster(): Promise<void> {
    if (readdirSync(dataDir).length > 0) {
      throw new LauncherError('data_dir_incompatible', `${dataDir} is neither empty nor a PostgreSQL data directory.`);
    }
    await createCluster(binaries, context, dataDir, runDir, seed);
  }

  const authMethod = options.authMethod ?? 'scram-sha-256';
  const hba = [
    ...(options.hba ?? []),
    ...(process.platform === 'win32' ? [] : [`local all all ${authMethod}`, `local replication all ${authMethod}`]),
    `host all all all ${authMethod}`,
    `host replication all all ${authMethod}`,
  ];
  writeOwned(join(dataDir, 'pg_hba.conf'), `${hba.join('\n')}\n`, runAs.owner);
  if (options.tls) {
    writeOwned(join(runDir, 'server.crt'), options.tls.certificate, runAs.owner);
    writeOwned(join(runDir, 'server.key'), options.tls.key, runAs.owner);
  }
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: socketDir ?? '',
    logging_collector: 'off',
    password_encryption: seed.passwordEncryption,
    ...(options.tls
      ? { ssl: 'on', ssl_cert_file: join(runDir, 'server.crt'), ssl_key_file: join(runDir, 'server.key') }
      : {}),
    // Not synchronous_commit=off: a test that kills the server may count on what was committed.
    ...(temporary ? { fsync: 'off', full_page_writes: 'off', max_connections: '100' } : {}),
    ...options.settings,
  };

  let server: ServerProcess | undefined;
  let port = options.port ?? 0;

  async function start(): Promise<void> {
    const isChosenByUs = port === 0;
    for (let attempt = 1; ; attempt++) {
      if (isChosenByUs) port = await findFreePort();
      try {
        const started = await startServerProcess({
          context,
          postgres: binaries.postgres,
          args: [
            '-D',
            dataDir,
            '-p',
            String(port),
            ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
          ],
          dataDir,
          port,
          orphan: { signal: temporary ? 'QUIT' : 'INT', remove: runDir },
          startTimeoutMs: options.startTimeoutMs ?? 30_000,
          onLog: options.onLog ?? (() => {}),
        });
        server = started;
        void started.exited.then((exit) => {
          if (server !== started) return;
          server = undefined;
          options.onUnexpectedExit?.(exit);
        });
        return;
      } catch (error) {
        if (attempt >= 20 || !isPassing(error, isChosenByUs)) throw error;
        await new Promise((wake) => setTimeout(wake, 50));
      }
    }
  }

  let lastExit: Promise<unknown> = Promise.resolve();

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server) {
      lastExit = server.exited;
      server.signal(signal);
      server = undefined;
    }
    await lastExit;
  }

  await start();
  return {
    host: '127.0.0.1',
    get port() {
      return port;
    },
    socketDir,
    user: seed.superuser,
    password: seed.password,
    dataDir,
    get pid() {
      if (!server) throw new Error('This Postgres is not running.');
      return server.pid;
    },
    url(database = 'postgres') {
      const login = `${encodeURIComponent(seed.superuser)}:${encodeURIComponent(seed.password)}`;
      return `postgres://${login}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    },
    async stop(mode = temporary ? 'immediate' : 'fast') {
      await end(stopSignals[mode]);
      rmSync(runDir, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    async restart(mode = 'fast') {
      await end(stopSignals[mode]);
      await start();
    },
  };
}

/** Whether another attempt can work: the port was taken between our look and Postgres's, or killed backends still linger. */
function isPassing(error: unknown, isPortChosenByUs: boolean): boolean {
  if (!(error instanceof LauncherError)) return false;
  if (error.code === 'port_in_use') return isPortChosenByUs;
  return error.detail?.includes('pre-existing shared memory block') ?? false;
}
