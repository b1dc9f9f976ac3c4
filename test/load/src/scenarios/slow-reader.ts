// Somebody asks for a gigabyte and does not read it: the others must not notice, and the gateway must not keep it.
import { residentBytes } from '../measure/meter.ts';
import { fleetContender, openFleet, pooled, type Scenario, selectOne, warmMs } from './scenario.ts';

const callers = 8;
const huge = {
  sql: "select repeat('x', 1000) from generate_series(1, $1::int)",
  params: ['1000000'],
  protocol: 'extended',
} as const;

export const slowReaderScenarios: readonly Scenario[] = [
  {
    name: 'slow-reader',
    title: `TCP, extended select beside a caller that does not read its result, callers: ${callers} + 1`,
    unit: 'queries/s',
    async open(world, { measureMs }) {
      const gateway = await world.postern();
      const route = { transport: 'tcp', port: gateway.tcpPort } as const;
      const fast = await openFleet(world, route, callers, selectOne, [pooled]);
      let grownBytes = 0;
      return {
        contenders: [
          fleetContender('alone', gateway.pid, fast, measureMs),
          {
            name: 'beside a slow reader',
            serverPids: [gateway.pid],
            async run(meter) {
              const before = residentBytes(gateway.pid);
              const slow = await openFleet(world, route, 1, huge, [pooled]);
              try {
                await slow.stall();
                const count = await fast.run(meter, warmMs, measureMs);
                grownBytes = Math.max(grownBytes, residentBytes(gateway.pid) - before);
                return count;
              } finally {
                await slow.close();
              }
            },
          },
        ],
        facts: () => [{ name: 'memory grown by a slow reader, at most', value: grownBytes / 1e6, unit: 'MB' }],
        close: () => fast.close(),
      };
    },
  },
];
