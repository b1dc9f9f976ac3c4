// Ten thousand callers who say nothing: what each costs, and whether they are still served.
import { readFileSync } from 'node:fs';
import type { Route } from '../load/caller.ts';
import { residentBytes } from '../measure/meter.ts';
import { median } from '../measure/statistics.ts';
import { type RunningPostern, startPostern } from '../processes/postern.ts';
import { sleep } from '../processes/running-process.ts';
import { type Contender, openFleet, pooled, type Scenario, selectOne } from './scenario.ts';

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
    maxRounds: 5,
    async open(world) {
      const limit = openFilesLimit();
      if (limit < callers + spareFiles) {
        world.options.log(
          `idle: left out, a process may open ${limit} files here and ${callers + spareFiles} are needed (ulimit -Hn)`,
        );
        return undefined;
      }
      const noted = new Map<string, { readonly unit: string; readonly values: number[] }>();
      const note = (name: string, value: number, unit: string): void => {
        const fact = noted.get(name) ?? { unit, values: [] };
        fact.values.push(value);
        noted.set(name, fact);
      };
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
                note(`${kind.name}: before a garbage collection`, uncollected, 'kB/caller');
                const one = await fleet.askOnce(20);
                note(`${kind.name}: twenty of them ask, p50`, one.latency.p50Ms, 'ms');
                const all = await fleet.askOnce(callers);
                note(`${kind.name}: each asks at once, answered`, all.operations, 'callers');
                note(`${kind.name}: each asks at once, longest wait`, all.latency.maxMs, 'ms');
                await fleet.close();
                await first.close();
                return { operations: callers, rate: perCaller };
              } finally {
                await gateway.stop();
              }
            },
          }),
        );
      return {
        contenders,
        facts: () => [...noted].map(([name, { unit, values }]) => ({ name, unit, value: typical(name, values) })),
      };
    },
  },
];

/** Of all rounds; whoever was not answered in one of them counts. */
function typical(name: string, values: readonly number[]): number {
  return name.endsWith('answered') ? Math.min(...values) : median(values);
}

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
