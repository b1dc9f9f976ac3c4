// From nothing to the first answer: connect, log in, one statement.
import { request } from 'node:http';
import type { Route } from '../load/caller.ts';
import { summarizeLatency } from '../measure/statistics.ts';
import { type Contender, openFleet, pooled, type Scenario, selectOne } from './scenario.ts';

const lanes = 4;
/** Per sample: few enough for the ports of one address. */
const times = 300;

export const connectScenarios: readonly Scenario[] = [
  {
    name: 'connect',
    title: `connect + first query, callers: ${lanes}`,
    unit: 'connects/s',
    async open(world, { posternOnly }) {
      const gateway = await world.postern();
      const secured = world.program('openssl') ? await world.postern('tls') : undefined;
      const pgbouncer = posternOnly ? undefined : await world.pgbouncer();
      const contenders: Contender[] = [];
      const add = async (name: string, pid: number, route: Route, startup: Record<string, string>): Promise<void> => {
        const fleet = await openFleet(world, route, 0, selectOne, [startup]);
        contenders.push({
          name,
          serverPids: [pid],
          async run(meter) {
            meter.begin();
            const count = await fleet.connectAndAsk(times, lanes);
            meter.end();
            return count;
          },
        });
      };
      await add('postern TCP', gateway.pid, { transport: 'tcp', port: gateway.tcpPort }, { ...pooled });
      if (secured) await add('postern TLS', secured.pid, { transport: 'tls', port: secured.tcpPort }, { ...pooled });
      const webSocket: Route = { transport: 'websocket', port: gateway.httpPort, path: '/v2' };
      await add('postern WebSocket', gateway.pid, webSocket, { ...pooled });
      if (pgbouncer) await add('pgbouncer TCP', pgbouncer.pid, { transport: 'tcp', port: pgbouncer.port }, {});
      const url = (await world.postgres()).url();
      contenders.push(httpContender('postern HTTP', gateway.pid, gateway.httpPort, url));
      if (!posternOnly) {
        const peer = await world.sqlPeer();
        contenders.push(httpContender('hono + node-postgres HTTP', peer.pid, peer.port, url));
      }
      return { contenders };
    },
  },
];

function httpContender(name: string, pid: number, port: number, url: string): Contender {
  return {
    name,
    serverPids: [pid],
    async run(meter) {
      const waits: number[] = [];
      let left = times;
      const lane = async (): Promise<void> => {
        while (left-- > 0) {
          const startedAtMs = performance.now();
          await post(port, url);
          waits.push(performance.now() - startedAtMs);
        }
      };
      meter.begin();
      await Promise.all(Array.from({ length: lanes }, lane));
      meter.end();
      return { operations: waits.length, latency: summarizeLatency(Float64Array.from(waits)) };
    },
  };
}

/** One request on a connection of its own. */
function post(port: number, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, path: '/sql', method: 'POST', agent: false },
        headers: { 'content-type': 'application/json', 'neon-connection-string': url },
      },
      (response) => {
        response.resume();
        response.once('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`/sql answered ${response.statusCode}`)),
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end('{"query":"select $1::int","params":[42]}');
  });
}
