/** Plays a random conversation over one route. */
import type { BackendMessage } from '../harness/backend-message.ts';
import { type Caller, createCaller } from '../harness/caller.ts';
import type { Server } from '../harness/direct-query.ts';
import { bytes, copyFail, query, sync } from '../harness/frontend-message.ts';
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
/** Its answer ends with the error about it, in a failed transaction too. */
const SETTLING = bytes(copyFail('settling'), sync(), query('settled'));
/** How long what is cancelled may take to begin. */
const CANCEL_AFTER_MS = 12;
/** What is cancelled in the queue is told so by us. */
const OURS_TOO = /(?<= 57014 "canceling statement due to user request") .*/;
/** What sessions may have left on a connection that others use now. */
const TRACES = [
  `SELECT current_user, session_user, current_setting('search_path'), coalesce(current_setting('own.value', true), '')`,
  `SELECT string_agg(name || '=' || setting, ', ' ORDER BY name) FROM pg_settings WHERE setting IS DISTINCT FROM reset_val`,
  `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
  `SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'v', 'S')`,
  'SELECT name FROM pg_cursors',
  'SELECT pg_listening_channels()',
].join('; ');
/** How long a step may wait for its answer while another session may hold the connection it needs. */
const BLOCKED_MS = 15;

export async function playSteps(steps: readonly Step[], options: PlayOptions): Promise<Play> {
  const { server, database, route, pace, answerLimitMs } = options;
  const problems: string[] = [];
  const callers = new Map<string, Caller>();
  const names = new Map<number, string>();
  const trace = new Map<string, string[]>();
  async function open(name: string, parameters: Readonly<Record<string, string>> = {}): Promise<Caller> {
    const caller = createCaller(name, await route.connect(), {
      waitLimitMs: answerLimitMs,
      user: server.user,
      password: server.password,
      database,
      loginParameters: route.loginParameters,
      beforeSend: async () => {},
      connect: () => route.connect(),
    });
    await caller.login({ parameters });
    return caller;
  }
  async function enter(name: string, parameters?: Readonly<Record<string, string>>): Promise<void> {
    const caller = await open(name, parameters);
    names.set(caller.processId, name);
    callers.set(name, caller);
  }
  /** What a session has seen since it entered. */
  function note(caller: Caller): void {
    const normaliser = createNormaliser((processId) => names.get(processId) ?? 'a stranger');
    const greeting = caller.received.slice(0, caller.loginEnd).filter(({ type }) => type === 'S' || type === 'E');
    const lines = (found: readonly BackendMessage[]): string[] =>
      sortParameterRuns(found.map((one) => traceLine(one, normaliser).replace(OURS_TOO, '')));
    trace.set(caller.name, [
      ...(trace.get(caller.name) ?? []),
      ...lines(greeting),
      ...lines(caller.received.slice(caller.loginEnd)),
      ...(caller.isClosed ? ['(closed)'] : []),
    ]);
  }
  /** Closed, or ready for what comes next, having got something since `from`; notifications come at any time. */
  const isReady = ({ isClosed, received }: Caller, from = 0): boolean =>
    isClosed ||
    (received.findLastIndex(({ type }) => type === 'Z') >= from &&
      received.findLast(({ type }) => type !== 'A')!.type === 'Z');
  for (const name of SESSIONS) await enter(name);
  const answered = (caller: Caller): number => caller.received.length - caller.loginEnd;

  /** Waits for `count` messages, while others may have to leave first. */
  async function reach(caller: Caller, count: number, limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (answered(caller) < count && !caller.isClosed && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }
  /** Waits until all that was sent is answered. Fails an open transaction. */
  async function settle(caller: Caller): Promise<void> {
    if (caller.isClosed) return;
    const from = caller.received.length;
    await caller.send(SETTLING);
    const isSettled = (): boolean =>
      caller.isClosed ||
      (isReady(caller) &&
        caller.received.slice(from).some(({ type, body }) => type === 'E' && body.includes('settled')));
    const deadline = Date.now() + answerLimitMs;
    while (!isSettled() && Date.now() < deadline) await caller.next(deadline - Date.now()).catch(() => {});
    if (!isSettled()) problems.push(`${caller.name} was not answered`);
  }
  async function play({ session, messages, isCancelled, returns }: Step): Promise<void> {
    let caller = callers.get(session)!;
    // Neither may be early for what was sent before.
    if (returns !== undefined || isCancelled) await settle(caller);
    if (returns !== undefined) {
      note(caller);
      if (!caller.isClosed && returns.isPolite) {
        await caller.terminate().catch(() => problems.push(`${session} was not let go`));
      }
      caller.disconnect();
      await enter(session, returns.parameters).catch(() => problems.push(`${session} was not let in`));
      caller = callers.get(session)!;
    }
    if (caller.isClosed) return;
    const from = caller.received.length;
    await caller.send(messages);
    const deadline = Date.now() + answerLimitMs;
    // Postgres forgets a cancel that comes before what it is about has begun.
    while (isCancelled && !isReady(caller, from) && Date.now() < deadline) {
      await caller.next(CANCEL_AFTER_MS).catch(() => {});
      if (!isReady(caller, from)) await caller.cancel();
    }
  }

  /** What a session still does: it may have to wait for another's next step. */
  const doing = new Map<string, Promise<void>>();
  /** Nobody waits for those who pass. */
  const passed: Promise<void>[] = [];
  async function pass({ messages, passing }: Step): Promise<void> {
    const caller = await open('passing');
    await caller.send(messages);
    if (passing!.afterMs > 0) await new Promise((resolve) => setTimeout(resolve, passing!.afterMs - 1));
    if (passing!.isCancelled) await caller.cancel();
    if (passing!.isPolite) await Promise.race([caller.terminate(), new Promise((resolve) => setTimeout(resolve, 5))]);
    caller.disconnect();
  }
  const reached: number[] = [];
  for (const [index, step] of steps.entries()) {
    if (step.passing !== undefined) {
      reached.push(0);
      if (pace !== undefined) passed.push(pass(step).catch((error) => void problems.push(`passing: ${error.message}`)));
      continue;
    }
    const done = (doing.get(step.session) ?? Promise.resolve()).then(() => play(step));
    doing.set(step.session, done);
    if (pace === undefined) {
      await done;
      await callers.get(step.session)!.quiet(SETTLE_MS);
    } else {
      const enough = done.then(() => reach(callers.get(step.session)!, pace[index]!, BLOCKED_MS));
      await Promise.race([enough, new Promise((resolve) => setTimeout(resolve, BLOCKED_MS))]);
    }
    reached.push(answered(callers.get(step.session)!));
  }
  const partings = SESSIONS.map(async (name) => {
    await doing.get(name);
    const caller = callers.get(name)!;
    if (!caller.isClosed) await caller.send(FAREWELL);
  });
  await Promise.all(partings);

  const isOver = (caller: Caller): boolean =>
    caller.isClosed || caller.received.some((found) => found.type === 'D' && found.body.includes('farewell'));
  for (const caller of callers.values()) {
    const deadline = Date.now() + answerLimitMs;
    while (!(isOver(caller) && (caller.isClosed || caller.received.at(-1)?.type === 'Z')) && Date.now() < deadline) {
      await caller.next(deadline - Date.now()).catch(() => {});
    }
    if (!isOver(caller)) problems.push(`${caller.name} never got its last answer`);
  }

  await Promise.all(passed);
  for (const caller of callers.values()) note(caller);
  for (const caller of callers.values()) {
    if (!caller.isClosed) await caller.terminate().catch(() => problems.push(`${caller.name} was not let go`));
    caller.disconnect();
  }
  for (const name of ['next', 'after next']) {
    await enter(name).catch(() => problems.push('a stranger was not let in'));
    const caller = callers.get(name)!;
    await caller.query(TRACES).catch(() => problems.push('a stranger was not answered'));
    note(caller);
  }
  for (const name of ['next', 'after next'])
    await callers
      .get(name)!
      .terminate()
      .catch(() => {});
  return { trace, pace: reached, problems: [...problems, ...route.faults()] };
}
