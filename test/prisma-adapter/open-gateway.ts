import { type RunningGateway, startGateway } from '@postern/gateway';
import type { TestDatabase } from '@postern/testkit';

export interface OpenedGateway {
  readonly gateway: RunningGateway;
  readonly port: number;
  /** The database through the gateway; `query` is appended as it is. */
  url(query?: string): string;
  close(): Promise<void>;
}

/** A gateway in front of a database. */
export async function openGateway(
  database: TestDatabase,
  settings: Partial<Parameters<typeof startGateway>[0]> = {},
): Promise<OpenedGateway> {
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    log(event) {
      if (event.event === 'internal_error') throw new Error(JSON.stringify(event));
    },
    ...settings,
  });
  const { port } = gateway.httpAddress;
  const login = `${encodeURIComponent(database.user)}:${encodeURIComponent(database.password)}`;
  return {
    gateway,
    port,
    url: (query = '') => `postgres://${login}@127.0.0.1:${port}/${database.name}${query}`,
    close: () => gateway.close(0),
  };
}
