/** Looks for a conversation that Postgres and a route answer differently, within a time budget. */
import type { DatabaseLender } from '../harness/database.ts';
import { openDirect, type Server } from '../harness/direct-query.ts';
import { createDirectRoute } from '../harness/direct-route.ts';
import type { OpenRoute } from '../harness/route.ts';
import { diffTraces } from '../harness/trace-diff.ts';
import { playSteps } from './play-steps.ts';
import { createRandom } from './random.ts';
import { shrink } from './shrink.ts';
import { generateSteps, PROPERTY_RESET, PROPERTY_SETUP, type Step } from './steps.ts';

export interface SearchOptions {
  readonly server: Server;
  readonly databases: DatabaseLender;
  readonly openRoute: OpenRoute;
  readonly serverConnections: number;
  readonly seed: number;
  readonly searchMs: number;
  readonly shrinkMs: number;
  /** How long a session may wait for its last answer before that is a failure. */
  readonly answerLimitMs: number;
  /** Leaves out steps, to look past a failure that is known. */
  readonly skip?: (step: Step) => boolean;
}

export interface SearchResult {
  readonly conversations: number;
  readonly steps: number;
  /** The minimal failing conversation and what differs; undefined when none was found. */
  readonly failure: string | undefined;
}

export async function findDifference(options: SearchOptions): Promise<SearchResult> {
  const { server, databases, seed, serverConnections, answerLimitMs } = options;
  const [oracle, subject] = [await databases.lend(PROPERTY_SETUP), await databases.lend(PROPERTY_SETUP)];
  const [oracleAdmin, subjectAdmin] = [await openDirect(server, oracle), await openDirect(server, subject)];
  const direct = createDirectRoute(server);

  async function play(steps: readonly Step[], openRoute: OpenRoute, database: string, pace?: readonly number[]) {
    const route = await openRoute({ database, serverConnections, seed });
    try {
      return await playSteps(steps, {
        server,
        database,
        route,
        answerLimitMs,
        ...(pace === undefined ? {} : { pace }),
      });
    } finally {
      await route.close();
    }
  }

  async function difference(steps: readonly Step[]): Promise<string> {
    await oracleAdmin.query(PROPERTY_RESET);
    await subjectAdmin.query(PROPERTY_RESET);
    const expected = await play(steps, direct, oracle);
    if (/unexpected state STARTED/.test([...expected.trace.values()].flat().join('\n'))) return '';
    const got = await play(steps, options.openRoute, subject, expected.pace);
    const diff = diffTraces(expected.trace, got.trace);
    return [...got.problems, diff].filter((line) => line !== '').join('\n');
  }

  const random = createRandom(seed);
  const deadline = Date.now() + options.searchMs;
  let conversations = 0;
  let played = 0;
  let failure: string | undefined;
  while (failure === undefined && Date.now() < deadline) {
    const steps = generateSteps(random, 8 + random.below(32)).filter((step) => !options.skip?.(step));
    conversations += 1;
    played += steps.length;
    const diff = await difference(steps);
    if (diff === '') continue;
    const shrinkUntil = Date.now() + options.shrinkMs;
    const minimal = await shrink(
      steps,
      async (candidate) => (await difference(candidate)) !== '',
      () => Date.now() < shrinkUntil,
    );
    const script = minimal.map((step) => `  await ${step.session.toLowerCase()}.send(${step.label});`).join('\n');
    const shrunk = await difference(minimal);
    failure = `seed ${seed}, conversation ${conversations}, ${steps.length} steps shrunk to ${minimal.length}:\n${script}\n${shrunk || `(does not fail every time)\n${diff}`}`;
  }
  await oracleAdmin.close();
  await subjectAdmin.close();
  return { conversations, steps: played, failure };
}
