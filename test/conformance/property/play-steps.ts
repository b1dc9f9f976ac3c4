/** Plays a random conversation over one route. */
import { type Caller, createCaller } from '../harness/caller.ts';
import type { Server } from '../harness/direct-query.ts';
import type { Route } from '../harness/route.ts';
import type { Trace } from '../harness/run-script.ts';
import { createNormaliser, sortParameterRuns, traceLine } from '../harness/trace-line.ts';
import { FAREWELL, SESSIONS, type Step } from './steps.ts';

export interface PlayOptions {
  readonly server: Server;
  readonly database: string;
  readonly route: Route;
  /** Messages each session had after each step on Postgres: how far to wait before the next step. */
  readonly pace?: readonly number[];
  /** How long a session may wait for its last answer. */
  readonly answerLimitMs: number;
}

export interface Play {
  readonly trace: Trace;
  readonly pace: readonly number[];
  readonly problems: readonly string[];
}

/** Silence after which a step on Postgres counts as answered. Only the interleaving depends on it, never the verdict. */
const SETTLE_MS = 3;
/** How long a step may wait for its answer while another session may hold the connection it needs. */
const BLOCKED_MS = 15;

export async function playSteps(steps: readonly Step[], options: PlayOptions): Promise<Play> {
  const { server, database, route, pace, answerLimitMs } = options;
  const problems: string[] = [];
  const callers = new Map<string, Caller>();
  for (const name of SESSIONS) {
    const caller = createCaller(name, await route.connect(), {
      waitLimitMs: answerLimitMs,
      user: server.user,
      password: server.password,
      database,
      loginParameters: route.loginParameters,
      beforeSend: async () => {},
      connect: () => route.connect(),
    });
    await caller.login();
    callers.set(name, caller);
  }
  const answered = (caller: Caller): number => caller.received.length - caller.loginEnd;

  const reached: number[] = [];
  for (const [index, step] of steps.entries()) {
    const caller = callers.get(step.session)!;
    if (!caller.isClosed) await caller.send(step.messages);
    if (pace === undefined) {
      await caller.quiet(SETTLE_MS);
    } else {
      const deadline = Date.now() + BLOCKED_MS;
      while (answered(caller) < pace[index]! && !caller.isClosed && Date.now() < deadline)
        await caller.next(BLOCKED_MS).catch(() => {});
    }
    reached.push(answered(caller));
  }

  const isOver = (caller: Caller): boolean =>
    caller.isClosed || caller.received.some((found) => found.type === 'D' && found.body.includes('farewell'));
  for (const caller of callers.values()) if (!caller.isClosed) await caller.send(FAREWELL);
  for (const caller of callers.values()) {
    const deadline = Date.now() + answerLimitMs;
    while (!(isOver(caller) && (caller.isClosed || caller.received.at(-1)?.type === 'Z')) && Date.now() < deadline) {
      await caller.next(deadline - Date.now()).catch(() => {});
    }
    if (!isOver(caller)) problems.push(`${caller.name} never got its last answer`);
  }

  const names = new Map([...callers.values()].map((caller) => [caller.processId, caller.name]));
  const trace = new Map<string, string[]>();
  for (const caller of callers.values()) {
    const normaliser = createNormaliser((processId) => names.get(processId) ?? 'a stranger');
    const lines = caller.received.slice(caller.loginEnd).map((found) => traceLine(found, normaliser));
    trace.set(caller.name, [...sortParameterRuns(lines), ...(caller.isClosed ? ['(closed)'] : [])]);
  }
  for (const caller of callers.values()) {
    if (!caller.isClosed) await caller.terminate().catch(() => problems.push(`${caller.name} was not let go`));
    caller.disconnect();
  }
  return { trace, pace: reached, problems: [...problems, ...route.faults()] };
}
