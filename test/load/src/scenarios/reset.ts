// What it costs that neighbours have different settings: more callers than server connections, so owners change.
import type { RemoteFleet } from '../load/generator.ts';
import { type Contender, fleetContender, openFleet, pooled, type Scenario, selectOne } from './scenario.ts';

const callers = 64;
/** A setting that PgBouncer keeps apart too. */
const zones = ['UTC', 'Asia/Tokyo'];

export const resetScenarios: readonly Scenario[] = [
  {
    name: 'reset',
    title: `TCP, extended select, owners with and without different settings, callers: ${callers}`,
    unit: 'queries/s',
    async open(world, { measureMs, posternOnly }) {
      const gateway = await world.postern();
      const servers = [{ name: 'postern', pid: gateway.pid, port: gateway.tcpPort, base: pooled }];
      const pgbouncer = posternOnly ? undefined : await world.pgbouncer();
      if (pgbouncer) servers.push({ name: 'pgbouncer', pid: pgbouncer.pid, port: pgbouncer.port, base: {} });
      const fleets: RemoteFleet[] = [];
      const contenders: Contender[] = [];
      for (const { name, pid, port, base } of servers) {
        const kinds = [
          { kind: 'same settings', startups: [{ ...base, TimeZone: 'UTC' }] },
          { kind: 'two settings', startups: zones.map((TimeZone) => ({ ...base, TimeZone })) },
        ];
        for (const { kind, startups } of kinds) {
          const fleet = await openFleet(world, { transport: 'tcp', port }, callers, selectOne, startups);
          fleets.push(fleet);
          contenders.push(fleetContender(`${name}, ${kind}`, pid, fleet, measureMs));
        }
      }
      return { contenders, close: async () => void (await Promise.all(fleets.map((fleet) => fleet.close()))) };
    },
  },
];
