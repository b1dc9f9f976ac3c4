import { LauncherError, type RunningPostgres, type ServerExit, startPostgres } from '@postern/launcher';
import type { Event } from '../log/event.ts';
import { StartError } from '../usage-error.ts';
import type { DevFolder } from './dev-folder.ts';

/** The login of the embedded Postgres: it listens on loopback only, so there is nothing to hide. */
export const devLogin = { user: 'postgres', password: 'postgres', database: 'postgres' } as const;

export interface DevDatabaseOptions {
  readonly folder: DevFolder;
  readonly binDir: string | undefined;
  log(event: Event): void;
  onUnexpectedExit(exit: ServerExit): void;
}

/** Starts the embedded Postgres on the folder's data. Throws StartError saying what to do. */
export async function startDevDatabase(options: DevDatabaseOptions): Promise<RunningPostgres> {
  const { folder } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPostgres({
        dataDir: folder.dataDir,
        superuser: devLogin.user,
        password: devLogin.password,
        settings: { max_connections: '100', max_prepared_transactions: '10', wal_level: 'logical' },
        ...(options.binDir === undefined ? {} : { binDir: options.binDir }),
        onLog: (line) => logServerLine(line, options),
        onUnexpectedExit: options.onUnexpectedExit,
      });
    } catch (error) {
      if (!(error instanceof LauncherError)) throw error;
      const running = folder.runningDev();
      // A server whose program was killed a moment ago is still shutting down.
      if (error.code === 'data_dir_in_use' && !running && attempt < 50) {
        await new Promise((wake) => setTimeout(wake, 100));
        continue;
      }
      throw new StartError(explain(error, folder, running));
    }
  }
}

function explain(error: LauncherError, folder: DevFolder, running: ReturnType<DevFolder['runningDev']>): string {
  switch (error.code) {
    case 'data_dir_in_use':
      return running
        ? `postern dev is already running in this folder (process ${running.pid}, ${running.http}, ${running.tcp}); ` +
            'use that one, stop it, or start this one with --data-dir OTHER-FOLDER'
        : `another Postgres is using ${folder.dataDir}; stop it, or choose another folder with --data-dir`;
    case 'binaries_missing':
      return `${error.message} Name the folder of its programs in POSTERN_PG_BIN, or use postern serve --database-url`;
    default:
      return error.message.trimEnd();
  }
}

/** Of Postgres's own log only what ends it: the rest is about callers, and they are told. */
function logServerLine(line: string, { log }: DevDatabaseOptions): void {
  const message = /\bPANIC: {2}(.*)$/.exec(line)?.[1];
  if (message) log({ event: 'postgres_panic', message });
}
