// A large result over WebSocket, as the official driver of Neon receives it.
import { Client } from '@neondatabase/serverless';
import { WebSocket } from 'ws';
import { type Contender, postern, type Scenario } from './scenario.ts';

const rows = 50_000;
/** Rows of 110 bytes on the wire, 5.5 MB: those of reference/neon-wire.md §2.2. */
const sql = "select i, repeat('x', 90) from generate_series(1, $1::int) i";

export const driverRowsScenarios: readonly Scenario[] = [
  {
    name: 'driver-rows',
    title: `${rows} rows over WebSocket to @neondatabase/serverless`,
    unit: 'results/s',
    async open(world, { measureMs, posternOnly }) {
      const gateway = await world.postern();
      const url = (await world.postgres()).url();
      const clients: Client[] = [];
      const add = async (name: string, pid: number, address: string): Promise<Contender> => {
        const client = new Client(url);
        client.neonConfig.webSocketConstructor = WebSocket;
        client.neonConfig.useSecureWebSocket = false;
        client.neonConfig.wsProxy = () => address;
        await client.connect();
        clients.push(client);
        return {
          name,
          serverPids: [pid],
          async run(meter) {
            let operations = 0;
            meter.begin();
            const startedAtMs = performance.now();
            do {
              const result = await client.query(sql, [rows]);
              if (result.rows.length !== rows) throw new Error(`${result.rows.length} rows instead of ${rows}`);
              operations++;
            } while (performance.now() - startedAtMs < measureMs);
            const tookMs = performance.now() - startedAtMs;
            meter.end();
            return { operations, rate: operations / (tookMs / 1000) };
          },
        };
      };
      const contenders = [await add(postern, gateway.pid, `127.0.0.1:${gateway.httpPort}/v2`)];
      if (!posternOnly) {
        const relay = await world.reframingRelay();
        contenders.push(await add('in frames of 1 KiB', relay.pid, `127.0.0.1:${relay.port}/v2`));
      }
      return { contenders, close: async () => void (await Promise.all(clients.map((client) => client.end()))) };
    },
  },
];
