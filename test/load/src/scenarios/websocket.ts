// The same over WebSocket. All contenders have the own generator as caller, also those over TCP, so that they compare.
import type { Route } from '../load/caller.ts';
import type { RemoteFleet } from '../load/generator.ts';
import {
  type Contender,
  fleetContender,
  openFleet,
  pooled,
  postern,
  type Scenario,
  selectOne,
  selectOneSimple,
} from './scenario.ts';

/** websockify forks for every caller, at 50 ms each. */
const mostWebsockifyCallers = 64;

export const webSocketScenarios: readonly Scenario[] = (['extended', 'simple'] as const).flatMap((protocol) =>
  [1, 8, 64, 500].map(
    (callers): Scenario => ({
      name: `ws-${protocol}-${callers}`,
      title: `WebSocket, ${protocol} select, callers: ${callers}`,
      unit: 'queries/s',
      async open(world, { measureMs, posternOnly }) {
        const fleets: RemoteFleet[] = [];
        const contenders: Contender[] = [];
        const add = async (name: string, pid: number, route: Route, startup: Record<string, string>): Promise<void> => {
          const statement = protocol === 'simple' ? selectOneSimple : selectOne;
          const fleet = await openFleet(world, route, callers, statement, [startup]);
          fleets.push(fleet);
          contenders.push(fleetContender(name, pid, fleet, measureMs));
        };
        const gateway = await world.postern();
        await add(postern, gateway.pid, { transport: 'websocket', port: gateway.httpPort, path: '/v2' }, { ...pooled });
        if (!posternOnly) {
          if (protocol === 'extended')
            await add('postern over TCP', gateway.pid, { transport: 'tcp', port: gateway.tcpPort }, { ...pooled });
          const pgbouncer = await world.pgbouncer();
          if (pgbouncer) await add('pgbouncer over TCP', pgbouncer.pid, { transport: 'tcp', port: pgbouncer.port }, {});
          const websockify = callers <= mostWebsockifyCallers ? await world.websockify() : undefined;
          if (websockify) {
            await add('websockify', websockify.pid, { transport: 'websocket', port: websockify.port, path: '/' }, {});
          }
        }
        return { contenders, close: async () => void (await Promise.all(fleets.map((fleet) => fleet.close()))) };
      },
    }),
  ),
);
