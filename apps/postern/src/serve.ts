import { availableParallelism } from 'node:os';
import type { GateInvocation } from './cli.ts';
import type { Config } from './config/config-schema.ts';
import { loadConfig } from './config/load-config.ts';
import { readTlsFiles } from './config/read-tls.ts';
import { createEventLog } from './log/event-log.ts';
import { openGate } from './open-gate.ts';
import type { OpenGateway, OpenGatewayOptions } from './open-gateway.ts';
import type { ProgramContext } from './program-context.ts';
import { reload, type Settings } from './reload.ts';
import { runUntilStopped } from './run-until-stopped.ts';
import { UsageError } from './usage-error.ts';
import { workerCount } from './workers/worker-count.ts';

/** `postern serve`: the gate in front of any Postgres. Resolves when it has been stopped. */
export async function serve(invocation: GateInvocation, context: ProgramContext): Promise<void> {
  let settings = readSettings(invocation, context);
  const { config, tls } = settings;
  const endpoints = endpointsOf(config);
  const log = createEventLog({
    format: config.logFormat,
    write: context.write,
    isColored: context.isColored,
    now: () => new Date(),
  });
  const gateway = await openGate({
    ...{ config, endpoints, tls, log },
    workers: workerCount(config, availableParallelism()),
    isColored: context.isColored,
  });
  if (config.logFormat === 'pretty') context.write(banner(context.version, gateway, endpoints));
  log.open({ event: 'listening', ...gateway.listening });
  // On a terminal SIGHUP says that it was closed.
  if (!context.isTerminal) {
    context.stop.onHangUp(() => {
      settings = reload({
        ...{ gateway, current: settings, log: log.log },
        read: () => readSettings(invocation, context),
      });
    });
  }
  await runUntilStopped({
    ...{ gateway, log: log.log, stop: context.stop },
    graceMs: () => settings.config.shutdownGrace,
  });
}

function readSettings({ flags, configFile }: GateInvocation, { environment }: ProgramContext): Settings {
  const config = loadConfig({ flags, environment, file: configFile });
  endpointsOf(config);
  return { config, tls: readTlsFiles(config.tls) };
}

function banner(version: string, { listening }: OpenGateway, endpoints: OpenGatewayOptions['endpoints']): string {
  return `
Postern ${version} is open.

  HTTP and WebSocket   ${listening.http}
  Postgres protocol    ${listening.tcp}
  endpoints            ${endpoints.map(({ name }) => name).join(', ')}

Stop with Ctrl-C. Events:
`;
}

function endpointsOf(config: Config): OpenGatewayOptions['endpoints'] {
  const named = Object.entries(config.endpoints ?? {}).map(([name, { databaseUrl, poolSize, addresses }]) => ({
    name,
    databaseUrl,
    ...(poolSize === undefined ? {} : { poolSize }),
    ...(addresses === undefined ? {} : { addresses }),
  }));
  const endpoints = config.databaseUrl ? [{ name: 'default', databaseUrl: config.databaseUrl }, ...named] : named;
  if (endpoints.length === 0) {
    throw new UsageError(
      'no database to serve: give --database-url postgres://user:password@host:5432/database, DATABASE_URL, or "endpoints" in postern.json',
    );
  }
  return endpoints;
}
