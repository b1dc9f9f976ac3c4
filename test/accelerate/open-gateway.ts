import {
  createKey,
  fixedKeys,
  type KeyEntry,
  type NewKey,
  type PlanSettings,
  type RunningGateway,
  type StartGatewayOptions,
  startGateway,
} from '@postern/gateway';

export interface OpenedGateway {
  readonly gateway: RunningGateway;
  readonly log: Record<string, unknown>[];
  /** The `accelerateUrl` of the first key. */
  readonly url: string;
  readonly urls: readonly string[];
  readonly keys: readonly { readonly key: string; readonly entry: KeyEntry }[];
  /** `http://…` */
  readonly origin: string;
}

export interface OpenGatewayOptions {
  readonly databaseUrl: string;
  readonly keys?: readonly Partial<NewKey>[];
  readonly plans?: Readonly<Record<string, PlanSettings>>;
  readonly poolSize?: number;
  readonly poolTimeoutMs?: number;
  readonly settings?: Partial<StartGatewayOptions>;
}

/** A whole gateway in front of a database, with keys. */
export async function openGateway(options: OpenGatewayOptions): Promise<OpenedGateway> {
  const { databaseUrl, keys: wishes = [{}], plans, poolSize, poolTimeoutMs, settings } = options;
  const keys = await Promise.all(
    wishes.map((wish) =>
      createKey({ name: 'test', endpoint: 'default', plan: 'business', createdAt: new Date(0), ...wish }),
    ),
  );
  const log: Record<string, unknown>[] = [];
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl }],
    http: { host: '127.0.0.1', port: 0 },
    keys: fixedKeys(keys.map(({ entry }) => entry)),
    plans,
    poolSize,
    ...(poolTimeoutMs === undefined ? {} : { limits: { poolTimeoutMs } }),
    log: (event) => void log.push({ ...event }),
    ...settings,
  });
  const host = `127.0.0.1:${gateway.httpAddress.port}`;
  const urls = keys.map(({ key }) => `prisma+postgres://${host}/?api_key=${key}`);
  return { gateway, log, keys, urls, url: urls[0]!, origin: `http://${host}` };
}
