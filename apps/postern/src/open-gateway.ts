import { setFlagsFromString } from 'node:v8';
import {
  createKeyFileSource,
  type EndpointConfig,
  fixedKeys,
  joinKeys,
  type KeyEntry,
  type KeySource,
  ListenError,
  type PlanSettings,
  type RunningGateway,
  type StartGatewayOptions,
  startGateway,
} from '@postern/gateway';
import type { Config } from './config/config-schema.ts';
import { formatAddress } from './config/listen-address.ts';
import type { TlsFiles } from './config/read-tls.ts';
import type { Event } from './log/event.ts';
import { StartError, UsageError } from './usage-error.ts';

/** The gateway as the program sees it. */
export interface OpenGateway {
  /** `host:port`, with the real port. */
  readonly http: string;
  readonly tcp: string;
  /** `http://host:port` and `postgres://host:port`. */
  readonly listening: { readonly http: string; readonly tcp: string };
  /** A renewed certificate; only where TLS is on. */
  setCertificate(tls: TlsFiles): void;
  /** Stops accepting, lets running transactions finish for so long, closes everything. */
  close(graceMs: number): Promise<void>;
}

export interface OpenGatewayOptions {
  readonly config: Config;
  readonly endpoints: readonly EndpointConfig[];
  readonly tls: TlsFiles | undefined;
  /** Keys beside those of the file. */
  readonly keyEntries?: readonly KeyEntry[] | undefined;
  /** One of several processes on the same ports. */
  readonly worker?: StartGatewayOptions['worker'];
  log(event: Event): void;
}

/** Opens all ports in front of the endpoints. Throws StartError or UsageError. */
export async function openGateway(options: OpenGatewayOptions): Promise<OpenGateway> {
  const { config, endpoints, tls, keyEntries, worker, log } = options;
  const gateway = await start({
    endpoints,
    http: config.http,
    tcp: config.tcp,
    tls,
    poolSize: config.poolSize,
    limits: definedOnly({
      poolTimeoutMs: config.poolTimeout,
      connectTimeoutMs: config.connectTimeout,
      maxServerConnections: config.maxServerConnections,
      callerIdleTimeoutMs: config.clientIdleTimeout,
      loginIdleTimeoutMs: config.loginIdleTimeout,
      multiplexing: config.multiplexing,
    }),
    transactions: definedOnly({
      maxTransactions: config.transactions?.maxTransactions,
      idleTimeoutMs: config.transactions?.idleTimeout,
      totalTimeoutMs: config.transactions?.totalTimeout,
      maxTotalTimeoutMs: config.transactions?.maxTotalTimeout,
    }),
    admission: definedOnly({ maxCallers: config.maxCallers }),
    keys: openKeys(config.keysFile, keyEntries, log),
    plans: plansOf(config),
    cacheBytes: config.cacheSize,
    publicOrigin: config.publicUrl,
    acceptPlainPasswords: config.acceptPlainPasswords,
    worker,
    // bin/postern.js has V8 save memory, for the sake of idle callers; under load that is a third of a small request.
    onSqlLoad: (isHigh) => setFlagsFromString(isHigh ? '--no-optimize-for-size' : '--optimize-for-size'),
    logsSuccess: config.logRequests ?? false,
    log: (event) => log({ ...event }),
  });
  const http = formatAddress(gateway.httpAddress);
  const tcp = formatAddress(gateway.tcpAddress ?? config.tcp);
  return {
    http,
    tcp,
    listening: { http: `${tls ? 'https' : 'http'}://${http}`, tcp: `postgres://${tcp}` },
    setCertificate: (renewed) => gateway.setCertificate(renewed),
    close: (graceMs) => gateway.close(graceMs),
  };
}

function openKeys(path: string, further: readonly KeyEntry[] | undefined, log: OpenGatewayOptions['log']): KeySource {
  try {
    const file = createKeyFileSource({
      path,
      onError: (error) => log({ event: 'keys_file_unreadable', message: error.message }),
    });
    return further === undefined ? file : joinKeys(fixedKeys(further), file);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function plansOf({ plans = {} }: Config): Record<string, PlanSettings> {
  return Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [
      name,
      {
        connectionLimit: plan.connectionLimit,
        queryTimeoutMs: plan.queryTimeout,
        transactionTimeoutMs: plan.transactionTimeout,
        maxResponseBytes: plan.responseSize,
        requestsPerSecond: plan.requestsPerSecond,
      },
    ]),
  );
}

async function start(options: Parameters<typeof startGateway>[0]): Promise<RunningGateway> {
  try {
    return await startGateway(options);
  } catch (error) {
    if (error instanceof ListenError) throw new StartError(error.message);
    // By its contract everything else is about what is configured.
    throw error instanceof Error ? new UsageError(error.message) : error;
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** So that a key nobody set does not hide a default. */
function definedOnly<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>; // as filtered
}
