/** A gateway of the test's own in front of a given Postgres, with what its operator was told. */
import { type RunningGateway, type StartGatewayOptions, startGateway } from '@postern/gateway';
import pg from 'pg';

export interface FaultyGateway {
  readonly gateway: RunningGateway;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** A connection string for the pooled connection over TCP; `options` are further gateway options. */
  url(options?: string): string;
  connect(options?: string): Promise<pg.Client>;
  close(): Promise<void>;
}

export async function openGateway(
  databaseUrl: string,
  options: Partial<StartGatewayOptions> = {},
): Promise<FaultyGateway> {
  const events: Record<string, unknown>[] = [];
  const gateway = await startGateway({
    endpoints: [{ name: 'main', databaseUrl }],
    poolSize: 2,
    http: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    log: (event) => void events.push({ ...event }),
    ...options,
  });
  const target = new URL(databaseUrl);
  const clients: pg.Client[] = [];
  const url = (more = ''): string =>
    `postgres://${target.username}:${target.password}@127.0.0.1:${gateway.tcpAddress!.port}${target.pathname}?options=${encodeURIComponent(`pooled=true ${more}`.trim())}`;
  return {
    gateway,
    events,
    url,
    async connect(more) {
      const client = new pg.Client({ connectionString: url(more) });
      client.on('error', () => {});
      clients.push(client);
      await client.connect();
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.end().catch(() => {})));
      await gateway.close(0);
    },
  };
}

/** Server processes of the gateway that run something, as Postgres sees them. */
export async function activeQueries(observer: pg.Client): Promise<string[]> {
  const { rows } = await observer.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() AND datname = current_database()`,
  );
  return rows.map(({ query }) => query);
}

/** The heavy form of a test, by `npm run test:heavy` in this folder. */
export const isHeavy: boolean = process.env.POSTERN_HEAVY === '1';
