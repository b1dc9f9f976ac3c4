/** Through a whole gateway: its start-up, its authentication, its frontends, its engine. One gateway for each run. */
import type { GatewayEvent } from '@postern/gateway';
import { startGateway } from '@postern/gateway';
import type { EngineEvent, EngineLimits } from '@postern/pool';
import { createRandom } from '../property/random.ts';
import { openTcp } from './byte-connection.ts';
import type { Server } from './direct-query.ts';
import type { OpenRoute, RouteKind } from './route.ts';
import { openCutWebSocket } from './web-socket-connection.ts';

export interface GatewayRouteOptions {
  readonly kind: Exclude<RouteKind, 'direct-postgres'>;
  readonly limits?: Partial<EngineLimits>;
  /** Every event, for debugging a difference. */
  readonly onEvent?: (event: EngineEvent | GatewayEvent) => void;
}

/** Events that mean something met what it did not expect. */
const FAULT_EVENTS: ReadonlySet<string> = new Set(['server_connection_fault', 'internal_error']);
/** A run that needs longer than this for its goodbyes has lost something. */
const CLOSE_GRACE_MS = 0;

export function createGatewayRoute(server: Server, options: GatewayRouteOptions): OpenRoute {
  return async ({ database, serverConnections, seed }) => {
    const faults: string[] = [];
    const login = `${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}`;
    const gateway = await startGateway({
      endpoints: [
        { name: 'main', databaseUrl: `postgres://${login}@${server.host}:${server.port}/${database}?sslmode=disable` },
      ],
      poolSize: serverConnections,
      limits: { maxPinned: serverConnections + 1, ...options.limits },
      authMethod: 'cleartext',
      http: { host: '127.0.0.1', port: 0 },
      tcp: { host: '127.0.0.1', port: 0 },
      log(event) {
        options.onEvent?.(event);
        if (FAULT_EVENTS.has(event.event)) faults.push(JSON.stringify(event));
      },
    });
    const random = createRandom(seed);
    return {
      kind: options.kind,
      loginParameters: options.kind === 'tcp-direct' ? {} : { pooled: 'true' },
      connect: () =>
        options.kind === 'ws-pooled-cut'
          ? openCutWebSocket(gateway.httpAddress.port, random)
          : openTcp(gateway.tcpAddress!.port),
      faults: () => faults,
      close: () => gateway.close(CLOSE_GRACE_MS),
    };
  };
}
