// `npm run profile`: one scenario with the gateway under V8's sampling profiler.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMeter } from '../measure/meter.ts';
import { createWorld, type WorldOptions } from '../processes/world.ts';
import type { Scenario, Settings } from '../scenarios/scenario.ts';
import { type CpuProfile, type SelfTime, selfTimes } from './self-time.ts';

export interface ProfileOptions extends Settings {
  readonly scenario: Scenario;
  readonly top: number;
  /** Where the .cpuprofile is left. */
  readonly folder: string;
  readonly world: Omit<WorldOptions, 'profileFolder'>;
}

/** Prints the top of the profile; one file per gateway the scenario starts. */
export async function profileScenario(options: ProfileOptions): Promise<void> {
  const { scenario, world: worldOptions } = options;
  const { log } = worldOptions;
  const folder = resolve(options.folder);
  const raw = join(folder, `.profile-${process.pid}`);
  const world = createWorld({ ...worldOptions, profileFolder: raw });
  let from = 0;
  let to = 0;
  try {
    const open = await scenario.open(world, options);
    if (!open) throw new Error(`${scenario.name} cannot run here`);
    for (const contender of open.contenders) {
      // Once to warm up, once to look at.
      for (let run = 0; run < 2; run++) {
        const meter = createMeter(contender.serverPids);
        const { operations, rate } = await contender.run({
          begin() {
            from = monotonicMicros();
            meter.begin();
          },
          end() {
            meter.end();
            to = monotonicMicros();
          },
        });
        const { seconds, serverCpuMicros, foreignShare } = meter.usage();
        if (run === 0) continue;
        log(
          `${contender.name}: ${Math.round(rate ?? operations / seconds)} ${scenario.unit}, ` +
            `${(serverCpuMicros / operations).toFixed(1)} µs CPU each, profiler included; ` +
            `${Math.round(foreignShare * 100)} % of the machine went to others`,
        );
      }
    }
    await open.close?.();
  } finally {
    await world.stop();
  }
  const files = existsSync(raw) ? readdirSync(raw).filter((name) => name.endsWith('.cpuprofile')) : [];
  if (files.length === 0) throw new Error('the gateway left no profile');
  for (const [index, file] of files.entries()) {
    const kept = join(folder, `${scenario.name}${files.length > 1 ? `-${index + 1}` : ''}.cpuprofile`);
    renameSync(join(raw, file), kept);
    log(`\n${kept}`);
    const profile = JSON.parse(readFileSync(kept, 'utf8')) as CpuProfile; // written by Node
    printTop(selfTimes(profile, from, to).slice(0, options.top), log);
  }
  rmSync(raw, { recursive: true, force: true });
}

function printTop(top: readonly SelfTime[], log: (line: string) => void): void {
  const locate = createLocator();
  for (const entry of top) {
    const name = entry.functionName.padEnd(34);
    log(`  ${(entry.share * 100).toFixed(1).padStart(5)} %  ${name} ${locate(entry)}`);
  }
}

/** The same clock as the profile's. */
function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Where a function is in the sources, by the map beside the bundle. */
function createLocator(): (entry: SelfTime) => string {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (url: string): SourceMap | undefined => {
    if (!maps.has(url)) {
      const file = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
      maps.set(url, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
    }
    return maps.get(url);
  };
  return ({ url, line, column }) => {
    const origin = mapOf(url)?.findEntry(line - 1, column - 1);
    if (!origin || !('originalSource' in origin)) return url === '' ? '' : `${url.replace(/^.*\//, '')}:${line}`;
    return `${origin.originalSource.replace(/^(\.\.\/)+/, '')}:${origin.originalLine + 1}`;
  };
}
