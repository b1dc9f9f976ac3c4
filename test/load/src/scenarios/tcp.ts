// The Postgres protocol over TCP, pooled, beside PgBouncer; pgbench asks when it is installed.
import type { RemoteFleet } from '../load/generator.ts';
import { runPgbench } from '../load/pgbench.ts';
import type { World } from '../processes/world.ts';
import {
  type Contender,
  fleetContender,
  openFleet,
  pooled,
  postern,
  posternOneByOne,
  type Scenario,
  type Settings,
  selectOne,
  selectOneSimple,
} from './scenario.ts';

const script = '\\set x random(1, 1000000)\nselect :x::int;\n';

export const tcpScenarios: readonly Scenario[] = (['extended', 'simple'] as const).flatMap((protocol) =>
  [1, 8, 64, 500].map(
    (callers): Scenario => ({
      name: `tcp-${protocol}-${callers}`,
      title: `TCP, ${protocol} select, callers: ${callers}`,
      unit: 'queries/s',
      open: (world, settings) => openPgbench(world, settings, { script, protocol, callers }),
    }),
  ),
);

interface PgbenchLoad {
  readonly script: string;
  readonly protocol: 'simple' | 'extended';
  readonly callers: number;
}

/** Postern and PgBouncer under the same pgbench script; under the own generator when there is no pgbench. */
export async function openPgbench(
  world: World,
  settings: Settings,
  load: PgbenchLoad,
): Promise<{ contenders: Contender[]; close(): Promise<void> }> {
  const gateway = await world.postern();
  const servers = [{ name: postern, pid: gateway.pid, port: gateway.tcpPort, isPostern: true }];
  if (!settings.posternOnly) {
    const other = await world.postern('one by one');
    servers.push({ name: posternOneByOne, pid: other.pid, port: other.tcpPort, isPostern: true });
  }
  const pgbouncer = settings.posternOnly ? undefined : await world.pgbouncer();
  if (pgbouncer) servers.push({ name: 'pgbouncer', pid: pgbouncer.pid, port: pgbouncer.port, isPostern: false });

  const pgbench = world.program('pgbench');
  const fleets: RemoteFleet[] = [];
  const contenders: Contender[] = [];
  for (const { name, pid, port, isPostern } of servers) {
    if (pgbench) {
      const { user, password } = await world.postgres();
      contenders.push({
        name,
        serverPids: [pid],
        run: (meter) =>
          runPgbench(
            {
              ...{ pgbench, folder: world.folder, port, user, password, ...load },
              connectionOptions: isPostern ? 'pooled=true' : undefined,
              measureMs: settings.measureMs,
            },
            meter,
          ),
      });
    } else {
      const statement = load.protocol === 'simple' ? selectOneSimple : selectOne;
      const startup = isPostern ? pooled : {};
      const fleet = await openFleet(world, { transport: 'tcp', port }, load.callers, statement, [startup]);
      fleets.push(fleet);
      contenders.push(fleetContender(name, pid, fleet, settings.measureMs));
    }
  }
  return { contenders, close: async () => void (await Promise.all(fleets.map((fleet) => fleet.close()))) };
}
