import { createMeter } from './measure/meter.ts';
import { type RoundsOptions, runRounds, type Sample, type Summary, summarize } from './measure/rounds.ts';
import type { World } from './processes/world.ts';
import type { Contender, Fact, Scenario, Settings } from './scenarios/scenario.ts';

/** Everything known about one scenario, as in the JSON file. */
export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly contenders: readonly ContenderResult[];
  readonly facts: readonly Fact[];
  readonly discardedRounds: number;
  /** Kept rounds in which others used the machine. */
  readonly noisyRounds: number;
}

export interface ContenderResult extends Summary {
  readonly name: string;
  readonly samples: readonly Sample[];
}

export type RunOptions = Settings & Pick<RoundsOptions, 'rounds' | 'maxForeignShare'>;

/** Rounds tried at most, when the machine is busy with other things. */
const patience = 1.2;

/** Undefined when the scenario cannot run here. */
export async function runScenario(
  scenario: Scenario,
  world: World,
  options: RunOptions,
): Promise<ScenarioResult | undefined> {
  const open = await scenario.open(world, options);
  if (!open) return undefined;
  try {
    const byName = new Map(open.contenders.map((contender) => [contender.name, contender]));
    const { samples, discarded, noisy } = await runRounds([...byName.keys()], {
      rounds: Math.min(options.rounds, scenario.maxRounds ?? options.rounds),
      maxForeignShare: options.maxForeignShare,
      // What takes long is not tried again.
      patience: scenario.maxRounds === undefined ? patience : 1,
      sample: (name) => takeSample(byName.get(name)!),
    });
    return {
      name: scenario.name,
      title: scenario.title,
      unit: scenario.unit,
      contenders: [...samples].map(([name, list]) => ({ name, ...summarize(list), samples: list })),
      facts: open.facts?.() ?? [],
      discardedRounds: discarded,
      noisyRounds: noisy,
    };
  } finally {
    await open.close?.();
  }
}

async function takeSample(contender: Contender): Promise<Sample> {
  const meter = createMeter(contender.serverPids);
  const { operations, latency, rate } = await contender.run(meter);
  const usage = meter.usage();
  if (operations === 0) throw new Error(`${contender.name} answered nothing`);
  return {
    rate: rate ?? operations / usage.seconds,
    cpuMicrosPerOperation: contender.serverPids.length > 0 ? usage.serverCpuMicros / operations : undefined,
    latency,
    usage,
  };
}
