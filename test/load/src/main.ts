// npm run bench, npm run profile. Started by bin/bench.mjs, which has built everything.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type Invocation, type Performance, parseCommandLine, usage } from './command-line.ts';
import { createWorld } from './processes/world.ts';
import { profileScenario } from './profile/profile.ts';
import { judgementTable, scenarioTable } from './report/table.ts';
import { judge } from './report/targets.ts';
import { runScenario, type ScenarioResult } from './run-scenario.ts';
import { scenarios } from './scenarios/index.ts';

/** Returns the exit status. */
export async function main(argv: readonly string[], root: string): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parseCommandLine(argv);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  if (invocation.verb === 'help') console.log(usage);
  else if (invocation.verb === 'list') {
    for (const { name, title } of scenarios) console.log(`${name.padEnd(18)} ${title}`);
  } else if (process.platform !== 'linux') {
    console.error('The bench reads CPU time from /proc, so it runs on Linux only.');
    return 1;
  } else return perform(invocation, root);
  return 0;
}

async function perform(invocation: Performance, root: string): Promise<number> {
  const { seconds, poolSize, posternOnly, program, json, maxForeignShare } = invocation;
  const log = json === '-' ? console.error : console.log;
  const worldOptions = { root, dist: join(root, 'test/load/dist'), poolSize, program, log };
  const settings = { measureMs: seconds * 1000, posternOnly };
  if (invocation.verb === 'profile') {
    await profileScenario({ ...invocation, ...settings, world: worldOptions });
    return 0;
  }
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  log(`${machine.cores} × ${machine.cpu}, Node ${machine.node}; ratio: the first line's median ÷ this line's\n`);
  const world = createWorld({ ...worldOptions, profileFolder: undefined });
  const stop = (): void => void world.stop().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const results: ScenarioResult[] = [];
  const failed: string[] = [];
  try {
    for (const scenario of invocation.scenarios) {
      try {
        const result = await runScenario(scenario, world, { ...settings, rounds: invocation.rounds, maxForeignShare });
        if (!result) continue;
        results.push(result);
        log(scenarioTable(result));
      } catch (error) {
        failed.push(scenario.name);
        log(`${scenario.name} FAILED: ${(error as Error).message}\n`);
      }
    }
  } finally {
    await world.stop();
  }
  const judgements = judge(results);
  if (judgements.length > 0) log(judgementTable(judgements));
  const noisy = results.filter(({ noisyRounds }) => noisyRounds > 0).length;
  if (noisy > 0) {
    log(
      `\n${noisy} of ${results.length} scenarios had noisy rounds: something else used the machine. Compare with care.`,
    );
  }
  const text = JSON.stringify({
    date: new Date().toISOString(),
    machine,
    poolSize,
    seconds,
    results,
    judgements,
    failed,
  });
  if (json === '-') console.log(text);
  else if (json !== undefined) writeFileSync(json, `${text}\n`);
  return failed.length === 0 ? 0 : 1;
}
