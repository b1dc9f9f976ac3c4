import { availableParallelism } from 'node:os';
import type { GateInvocation } from './cli.ts';
import type { Config } from './config/config-schema.ts';
import { loadConfig } from './config/load-config.ts';
import { readTlsFiles } from './config/read-tls.ts';
import { createEventLog } from './log/event-log.ts';
import { openGate } from './open-gate.ts';
import type { OpenGateway, OpenGatewayOptions } from './open-gateway.ts';
import type { ProgramContext } from './program-context.ts';
import { runUntilStopped } from './run-until-stopped.ts';
import { UsageError } from './usage-error.ts';
import { workerCount } from './workers/worker-count.ts';

/** `postern serve`: the gate in front of any Postgres. Resolves when it has been stopped. */
export async function serve(invocation: GateInvocation, context: ProgramContext): Promise<void> {
  const config = loadConfig({
    flags: invocation.flags,
    environment: context.environment,
    file: invocation.configFile,
  });
  const endpoints = endpointsOf(config);
  const tls = readTlsFiles(config.tls);
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
  await runUntilStopped({ gateway, log: log.log, stop: context.stop, graceMs: config.shutdownGrace });
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
