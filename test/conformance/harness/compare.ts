/** One script in one mode: played on Postgres and over the route, each on a fresh database, and judged. */
import { acceptedDiff } from './accepted-difference.ts';
import type { DatabaseLender } from './database.ts';
import type { Server } from './direct-query.ts';
import { createDirectRoute } from './direct-route.ts';
import type { OpenRoute, RouteKind } from './route.ts';
import { runScript, type ScriptRun } from './run-script.ts';
import type { Script } from './script.ts';
import { diffTraces, showTrace } from './trace-diff.ts';

export interface CompareOptions {
  readonly server: Server;
  readonly databases: DatabaseLender;
  readonly mode: RouteKind;
  readonly openRoute: OpenRoute;
  readonly hasNeighbour: boolean;
  readonly neighbourOffset?: number | undefined;
}

export interface Verdict {
  readonly diff: string;
  readonly acceptedDiff: string;
  /** Everything wrong that is not in the diff: stalls, faults, a neighbour that never got a turn. */
  readonly problems: readonly string[];
  readonly expected: ScriptRun;
  readonly got: ScriptRun;
}

async function play(script: Script, options: CompareOptions, openRoute: OpenRoute, hasNeighbour: boolean) {
  const database = await options.databases.lend(script.setup);
  const route = await openRoute({ database, serverConnections: script.serverConnections ?? 1, seed: 1 });
  try {
    return await runScript(script, {
      server: options.server,
      database,
      route,
      hasNeighbour,
      neighbourOffset: options.neighbourOffset,
    });
  } finally {
    await route.close();
    options.databases.giveBack(database);
  }
}

/** Plays the script on both sides. Throws only when Postgres itself could not play it: then the script is wrong. */
export async function compareScript(script: Script, options: CompareOptions): Promise<Verdict> {
  const expected = await play(script, options, createDirectRoute(options.server), false);
  if (expected.stalled !== undefined) {
    throw new Error(`the script does not work on Postgres: ${expected.stalled}\n${showTrace(expected.trace)}`);
  }
  const got = await play(script, options, options.openRoute, options.hasNeighbour);
  const problems = [...(got.stalled === undefined ? [] : [got.stalled]), ...got.faults];
  if (options.hasNeighbour && got.neighbourActs === 0) problems.push('the neighbour never got a turn');
  return {
    diff: diffTraces(expected.trace, got.trace),
    acceptedDiff: acceptedDiff(script.name, options.mode),
    problems,
    expected,
    got,
  };
}

/** What a failed verdict says; empty when the script passed. */
export function explain(script: Script, mode: RouteKind, verdict: Verdict): string {
  const parts = verdict.problems.map((problem) => `problem: ${problem}`);
  if (verdict.diff !== verdict.acceptedDiff) {
    parts.push(
      verdict.diff === ''
        ? `accepted/${script.name}.md accepts a difference that is gone: delete it or ${mode} from its modes`
        : `not like Postgres (- Postgres, + ${mode}), section ${script.section}:\n${verdict.diff}`,
    );
    if (verdict.acceptedDiff !== '') parts.push(`accepted was:\n${verdict.acceptedDiff}`);
  }
  const { neighbourActs, neighbourStory } = verdict.got;
  if (parts.length > 0 && neighbourStory.length > 0) {
    parts.push(
      `the neighbour began: ${neighbourStory.join(', ')} (${neighbourActs} of ${neighbourStory.length} completed)`,
    );
  }
  if (parts.length > 0) parts.push(`Postgres:\n${showTrace(verdict.expected.trace)}`);
  return parts.join('\n');
}
