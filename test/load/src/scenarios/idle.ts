// Ten thousand callers who say nothing: what each costs, and whether they are still served.
import { readFileSync } from 'node:fs';
import type { Route } from '../load/caller.ts';
import { residentBytes } from '../measure/meter.ts';
import { type RunningPostern, startPostern } from '../processes/postern.ts';
import { sleep } from '../processes/running-process.ts';
import { type Contender, type Fact, openFleet, pooled, type Scenario, selectOne } from './scenario.ts';

const callers = 10_000;
const spareFiles = 300;
/** Until buffers of the log-ins are gone. */
const settleMs = 1500;

interface Kind {
  readonly name: string;
  readonly isTls: boolean;
  route(gateway: RunningPostern): Route;
}

const kinds: readonly Kind[] = [
  { name: 'TCP', isTls: false, route: ({ tcpPort }) => ({ transport: 'tcp', port: tcpPort }) },
  { name: 'TLS', isTls: true, route: ({ tcpPort }) => ({ transport: 'tls', port: tcpPort }) },
  {
    name: 'WebSocket',
    isTls: false,
    route: ({ httpPort }) => ({ transport: 'websocket', port: httpPort, path: '/v2' }),
  },
];

export const idleScenarios: readonly Scenario[] = [
  {
    name: 'idle',
    title: `memory per idle caller, callers: ${callers}`,
    unit: 'kB/caller',
    maxRounds: 1,
    async open(world) {
      const limit = openFilesLimit();
      if (limit < callers + spareFiles) {
        world.options.log(
          `idle: left out, a process may open ${limit} files here and ${callers + spareFiles} are needed (ulimit -Hn)`,
        );
        return undefined;
      }
      const facts: Fact[] = [];
      const contenders = kinds
        .filter(({ isTls }) => !isTls || world.program('openssl') !== undefined)
        .map(
          (kind): Contender => ({
            name: kind.name,
            serverPids: [],
            async run(meter) {
              // Its own gateway: one that has worked already has memory to spare.
              const gateway = await startPostern(world, kind.isTls ? 'tls' : 'plain', 'on signal');
              try {
                const first = await openFleet(world, kind.route(gateway), 20, selectOne, [pooled]);
                await first.askOnce(20);
                await sleep(settleMs);
                const before = await residentAfterCollection(gateway.pid);
                meter.begin();
                const fleet = await openFleet(world, kind.route(gateway), callers, selectOne, [pooled]);
                await sleep(settleMs);
                meter.end();
                const uncollected = (residentBytes(gateway.pid) - before) / callers / 1000;
                const perCaller = ((await residentAfterCollection(gateway.pid)) - before) / callers / 1000;
                facts.push({
                  name: `${kind.name}: before a garbage collection`,
                  value: uncollected,
                  unit: 'kB/caller',
                });
                const one = await fleet.askOnce(20);
                facts.push({
                  name: `${kind.name}: twenty of them ask, p50`,
                  value: one.latency.p50Ms,
                  unit: 'ms',
                });
                const all = await fleet.askOnce(callers);
                facts.push({
                  name: `${kind.name}: each asks at once, answered`,
                  value: all.operations,
                  unit: 'callers',
                });
                facts.push({
                  name: `${kind.name}: each asks at once, longest wait`,
                  value: all.latency.maxMs,
                  unit: 'ms',
                });
                await fleet.close();
                await first.close();
                return { operations: callers, rate: perCaller };
              } finally {
                await gateway.stop();
              }
            },
          }),
        );
      return { contenders, facts: () => facts };
    },
  },
];

async function residentAfterCollection(pid: number): Promise<number> {
  // The second one finds what the first one's finalizers have let go.
  for (let round = 0; round < 2; round++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(settleMs / 2);
  }
  return residentBytes(pid);
}

/** The hard limit: Node raises its own to it, and children inherit that. */
function openFilesLimit(): number {
  const line = /^Max open files +(\S+) +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line?.[2] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line?.[2] ?? 0);
}
