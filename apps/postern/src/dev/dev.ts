import type { RunningPostgres } from '@postern/launcher';
import type { GateInvocation } from '../cli.ts';
import type { Config } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { readTlsFiles } from '../config/read-tls.ts';
import { createEventLog, type EventLog } from '../log/event-log.ts';
import { openGate } from '../open-gate.ts';
import type { ProgramContext } from '../program-context.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { StartError } from '../usage-error.ts';
import { devBanner } from './banner.ts';
import { devLogin, startDevDatabase } from './dev-database.ts';
import { type DevFolder, openDevFolder } from './dev-folder.ts';
import { devKeyEntries } from './dev-key.ts';

/** `postern dev`: the gate in front of a Postgres of our own. Resolves when it has been stopped. */
export async function dev(invocation: GateInvocation, context: ProgramContext): Promise<void> {
  // The developer's DATABASE_URL is for the application, not for us: this database is our own.
  const { DATABASE_URL: _, ...environment } = context.environment;
  const config = loadConfig({ flags: invocation.flags, environment, file: invocation.configFile });
  const folder = openDevFolder(invocation.dataDir);
  const log = createEventLog({
    format: config.logFormat,
    write: context.write,
    isColored: context.isColored,
    now: () => new Date(),
  });
  let lost: StartError | undefined;
  const database = await startDevDatabase({
    folder,
    binDir: environment.POSTERN_PG_BIN,
    log: log.log,
    onUnexpectedExit({ status, signal }) {
      lost = new StartError(`the embedded Postgres ended by itself (${signal ?? `status ${status}`})`);
      context.stop.stop('the embedded Postgres ended');
    },
  });
  try {
    await run(config, folder, database, log, context);
  } finally {
    await database.stop();
    folder.withdraw();
  }
  if (lost) throw lost;
}

async function run(
  config: Config,
  folder: DevFolder,
  database: RunningPostgres,
  log: EventLog,
  context: ProgramContext,
): Promise<void> {
  const tls = readTlsFiles(config.tls);
  const gateway = await openGate({
    config: { ...config, logRequests: config.logRequests ?? true },
    keyEntries: await devKeyEntries(),
    endpoints: [{ name: 'default', databaseUrl: database.url(devLogin.database) }],
    tls,
    // One developer: a second process would only cost memory, unless it is asked for.
    workers: config.workers ?? 1,
    isColored: context.isColored,
    log,
  });
  folder.announce({ pid: process.pid, ...gateway.listening });
  if (config.logFormat === 'pretty') {
    const addresses = { http: gateway.http, tcp: gateway.tcp, isTls: tls !== undefined };
    context.write(devBanner(context.version, addresses, folder.path));
  }
  log.open({ event: 'listening', ...gateway.listening });
  await runUntilStopped({ gateway, log: log.log, stop: context.stop, graceMs: () => config.shutdownGrace });
}
