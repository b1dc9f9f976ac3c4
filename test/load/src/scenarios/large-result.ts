// Results of 1.3 MB, relayed.
import type { Route } from '../load/caller.ts';
import type { RemoteFleet } from '../load/generator.ts';
import { type Contender, openFleet, pooled, postern, type Scenario, warmMs } from './scenario.ts';

const callers = 4;
const statement = {
  sql: "select repeat('postern ', 15) from generate_series(1, $1::int)",
  params: ['10000'],
  protocol: 'extended',
} as const;

export const largeResultScenarios: readonly Scenario[] = [
  {
    name: 'large-result',
    title: `a 1.3 MB result (10 000 rows), callers: ${callers}`,
    unit: 'MB/s',
    async open(world, { measureMs, posternOnly }) {
      const fleets: RemoteFleet[] = [];
      const contenders: Contender[] = [];
      const add = async (name: string, pid: number, route: Route, startup: Record<string, string>): Promise<void> => {
        const fleet = await openFleet(world, route, callers, statement, [startup]);
        fleets.push(fleet);
        contenders.push({
          name,
          serverPids: [pid],
          async run(meter) {
            const count = await fleet.run(meter, warmMs, measureMs);
            // By bytes: results that are under way count for what has arrived.
            return { ...count, rate: count.bytes / 1e6 / (measureMs / 1000) };
          },
        });
      };
      const gateway = await world.postern();
      await add(postern, gateway.pid, { transport: 'tcp', port: gateway.tcpPort }, { ...pooled });
      const webSocket: Route = { transport: 'websocket', port: gateway.httpPort, path: '/v2' };
      await add('postern over WebSocket', gateway.pid, webSocket, { ...pooled });
      const pgbouncer = posternOnly ? undefined : await world.pgbouncer();
      if (pgbouncer) await add('pgbouncer', pgbouncer.pid, { transport: 'tcp', port: pgbouncer.port }, {});
      return { contenders, close: async () => void (await Promise.all(fleets.map((fleet) => fleet.close()))) };
    },
  },
];
