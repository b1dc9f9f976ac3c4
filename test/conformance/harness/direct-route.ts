/** Straight to Postgres: the judge. */
import { openTcp } from './byte-connection.ts';
import type { Server } from './direct-query.ts';
import type { OpenRoute } from './route.ts';

export function createDirectRoute(server: Server): OpenRoute {
  return async () => ({
    kind: 'direct-postgres',
    connect: () => openTcp(server.port, server.host),
    faults: () => [],
    close: async () => {},
  });
}
