import { startGateway } from '@postern/gateway';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';

/** A real gateway in front of a database of its own. */
export interface GatewayFixture {
  readonly database: TestDatabase;
  readonly port: number;
  /** Through the gateway; `query` is appended as it is. */
  url(who?: { user?: string; password?: string; query?: string; port?: number }): string;
  close(): Promise<void>;
}

export async function startGatewayFixture(
  settings: Partial<Parameters<typeof startGateway>[0]> = {},
): Promise<GatewayFixture> {
  const database = await createTestDatabase();
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    log(event) {
      if (event.event === 'internal_error') throw new Error(JSON.stringify(event));
    },
    ...settings,
  });
  const gatewayPort = gateway.httpAddress.port;
  return {
    database,
    port: gatewayPort,
    url({ user = database.user, password = database.password, query = '', port = gatewayPort } = {}) {
      const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
      return `postgres://${login}@127.0.0.1:${port}/${database.name}${query}`;
    },
    async close() {
      await gateway.close(0);
      await database.drop();
    },
  };
}
