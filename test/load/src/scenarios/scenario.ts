// What a scenario is. Each file here opens one kind; index.ts lists them all.

import type { Route } from '../load/caller.ts';
import type { StatementText } from '../load/caller-messages.ts';
import type { FleetCount } from '../load/fleet.ts';
import type { RemoteFleet } from '../load/generator.ts';
import type { Meter } from '../measure/meter.ts';
import type { World } from '../processes/world.ts';

export interface Settings {
  /** Length of one sample. */
  readonly measureMs: number;
  /** Only what concerns the gateway itself: nobody else is started. */
  readonly posternOnly: boolean;
}

export interface Scenario {
  /** `tcp-extended-64`; `--only` takes it or the first part of it. */
  readonly name: string;
  readonly title: string;
  /** Of a sample's rate. */
  readonly unit: string;
  /** Fewer than usual, for what takes long and hardly varies. */
  readonly maxRounds?: number;
  /** Undefined: cannot run here, and why was said. */
  open(world: World, settings: Settings): Promise<OpenScenario | undefined>;
}

export interface OpenScenario {
  readonly contenders: readonly Contender[];
  /** Figures beside the rates, asked for after the last round. */
  facts?(): readonly Fact[];
  close?(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Whose CPU time is reported, children included. */
  readonly serverPids: readonly number[];
  run(meter: Meter): Promise<ContenderCount>;
}

/** Without `rate`, operations per second are meant. */
export interface ContenderCount extends Pick<FleetCount, 'operations'> {
  readonly latency?: FleetCount['latency'];
  readonly rate?: number;
}

export interface Fact {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** The name under which Postern appears in every table. */
export const postern = 'postern';

/** The same with every query alone on its server connection. */
export const posternOneByOne = 'postern, one by one';

/** Start-up parameters that ask for transaction pooling. */
export const pooled: Readonly<Record<string, string>> = { pooled: 'true' };

/** The one-row statement of most scenarios. */
export const selectOne = { sql: 'select $1::int', params: ['42'], protocol: 'extended' } as const;
export const selectOneSimple = { sql: 'select 42', protocol: 'simple' } as const;

export const warmMs = 250;

/** Callers of the own generator. */
export async function openFleet(
  world: World,
  route: Route,
  callers: number,
  statement: StatementText,
  startups: readonly Readonly<Record<string, string>>[],
): Promise<RemoteFleet> {
  const { user, password } = await world.postgres();
  const generator = await world.generator();
  return generator.open({ route, callers, user, password, startups, statement });
}

/** A contender whose callers stay connected from round to round. */
export function fleetContender(name: string, pid: number, fleet: RemoteFleet, measureMs: number): Contender {
  return { name, serverPids: [pid], run: (meter) => fleet.run(meter, warmMs, measureMs) };
}
