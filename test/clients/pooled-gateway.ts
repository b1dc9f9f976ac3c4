/**
 * A gateway with a small pool in front of a database of the test's own, for clients nobody changed. Every session of the
 * tests has to be pooled and undisturbed: `close()` fails when one was not.
 */
import { type RunningGateway, type StartGatewayOptions, startGateway } from '@postern/gateway';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';

export interface PooledGateway {
  readonly database: TestDatabase;
  readonly gateway: RunningGateway;
  readonly httpPort: number;
  readonly tcpPort: number;
  /** For clients of the Postgres protocol; `options` asks for the pool, the one way every client understands. */
  readonly tcpUrl: string;
  /** As Neon hands them out: only the host's name asks for the pool. */
  readonly poolerUrl: string;
  /** Settings of the official driver that lead `poolerUrl` to this gateway; each copy of the driver has its own. */
  readonly driverSettings: DriverSettings;
  /** Everything the gateway told its operator. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Closes the gateway and drops the database. Throws when something happened that must not. */
  close(): Promise<void>;
}

export interface DriverSettings {
  readonly webSocketConstructor: new (address: string) => WebSocket;
  readonly useSecureWebSocket: false;
  readonly wsProxy: (host: string) => string;
  readonly fetchEndpoint: string;
}

export interface PooledGatewayOptions {
  readonly poolSize?: number;
  readonly gateway?: Partial<StartGatewayOptions>;
  /** Instead of a new database in the run's cluster. */
  readonly database?: TestDatabase;
}

/** Reaches this machine whatever the URL's host is, so that the name travels as the Host header. */
class LocalWebSocket extends WebSocket {
  constructor(address: string) {
    super(address, {
      lookup(_host, options, done) {
        if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
        else done(null, '127.0.0.1', 4);
      },
    });
  }
}

export async function openPooledGateway(options: PooledGatewayOptions = {}): Promise<PooledGateway> {
  const database = options.database ?? (await createTestDatabase());
  const events: Record<string, unknown>[] = [];
  const gateway = await startGateway({
    endpoints: [{ name: 'main', databaseUrl: database.url }],
    poolSize: options.poolSize ?? 2,
    http: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    log: (event) => void events.push({ ...event }),
    ...options.gateway,
  });
  const httpPort = gateway.httpAddress.port;
  const tcpPort = gateway.tcpAddress!.port;
  const login = `${encodeURIComponent(database.user)}:${encodeURIComponent(database.password)}`;

  return {
    database,
    gateway,
    httpPort,
    tcpPort,
    tcpUrl: `postgres://${login}@127.0.0.1:${tcpPort}/${database.name}?options=pooled%3Dtrue`,
    poolerUrl: `postgres://${login}@main-pooler.db.test/${database.name}`,
    driverSettings: {
      webSocketConstructor: LocalWebSocket,
      useSecureWebSocket: false,
      wsProxy: (host) => `${host}:${httpPort}/v2`,
      fetchEndpoint: `http://127.0.0.1:${httpPort}/sql`,
    },
    events,
    async close() {
      try {
        // The official driver's end() does not wait for its goodbye to arrive.
        await vi.waitFor(() => expect(gateway.stats().callers, 'callers that have not left').toBe(0));
        await vi.waitFor(() => expect(busy(gateway), 'pools that have not come to rest').toEqual([]));
      } finally {
        await gateway.close(0);
        await database.drop();
      }
      expect(events.filter(isFault), 'events that mean a fault').toEqual([]);
      expect(events.filter(({ event, mode }) => event === 'session_started' && mode !== 'pooled')).toEqual([]);
    },
  };
}

function busy(gateway: RunningGateway): unknown[] {
  return gateway
    .stats()
    .pools.filter((pool) => pool.leased + pool.pinned + pool.recovering + pool.waiting + pool.faults > 0);
}

function isFault({ event }: Readonly<Record<string, unknown>>): boolean {
  return event === 'server_connection_fault' || event === 'internal_error' || event === 'session_state_refused';
}
