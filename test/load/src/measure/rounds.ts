// Interleaves contenders in rounds, so that a slow minute of the machine hits them all, and throws away rounds in which
// somebody else used the machine.
import type { Usage } from './meter.ts';
import { type Latency, median, spread } from './statistics.ts';

/** One contender in one round. */
export interface Sample {
  /** Operations per second, or what the scenario's unit says. */
  readonly rate: number;
  readonly cpuMicrosPerOperation?: number | undefined;
  readonly latency?: Latency | undefined;
  readonly usage: Usage;
}

export interface RoundsOptions {
  readonly rounds: number;
  /** A round above it is discarded. */
  readonly maxForeignShare: number;
  /** Rounds tried at most, as a multiple of `rounds`. */
  readonly patience: number;
  sample(contender: string): Promise<Sample>;
}

export interface RoundsResult {
  /** By contender, one entry per round that was kept. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly discarded: number;
  /** Rounds among the kept ones that were not quiet: the machine never was. */
  readonly noisy: number;
}

/** Runs all contenders `rounds` times, each round in another order. */
export async function runRounds(contenders: readonly string[], options: RoundsOptions): Promise<RoundsResult> {
  const done: { share: number; samples: Map<string, Sample> }[] = [];
  const isQuiet = (round: { share: number }): boolean => round.share <= options.maxForeignShare;
  for (let index = 0; index < Math.ceil(options.rounds * options.patience); index++) {
    if (done.filter(isQuiet).length >= options.rounds) break;
    const samples = new Map<string, Sample>();
    for (const name of rotate(contenders, index)) samples.set(name, await options.sample(name));
    done.push({ samples, share: Math.max(...[...samples.values()].map(({ usage }) => usage.foreignShare)) });
  }
  // Quiet ones first; when there are too few, the least disturbed of the others.
  const kept = done.toSorted((a, b) => a.share - b.share).slice(0, options.rounds);
  return {
    samples: new Map(contenders.map((name) => [name, kept.map(({ samples }) => samples.get(name)!)])),
    discarded: done.length - kept.length,
    noisy: kept.filter((round) => !isQuiet(round)).length,
  };
}

function rotate(names: readonly string[], by: number): string[] {
  return names.map((_, index) => names[(index + by) % names.length]!);
}

/** Medians over the rounds. */
export interface Summary {
  readonly rate: number;
  readonly spread: number;
  readonly cpuMicrosPerOperation?: number | undefined;
  readonly latency?: Latency | undefined;
}

/** Each figure's own median: they need not stem from one round. */
export function summarize(samples: readonly Sample[]): Summary {
  const rates = samples.map(({ rate }) => rate);
  const cpu = samples.flatMap(({ cpuMicrosPerOperation }) => cpuMicrosPerOperation ?? []);
  const latencies = samples.flatMap(({ latency }) => latency ?? []);
  return {
    rate: median(rates),
    spread: spread(rates),
    cpuMicrosPerOperation: cpu.length > 0 ? median(cpu) : undefined,
    latency:
      latencies.length > 0
        ? {
            p50Ms: median(latencies.map(({ p50Ms }) => p50Ms)),
            p99Ms: median(latencies.map(({ p99Ms }) => p99Ms)),
            maxMs: median(latencies.map(({ maxMs }) => maxMs)),
          }
        : undefined,
  };
}
