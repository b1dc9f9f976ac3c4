/** Plays one script over one route and returns what every session saw. */
import { type Caller, type CallerSetting, ConversationStalled, createCaller } from './caller.ts';
import { type DirectConnection, openDirect, type Server } from './direct-query.ts';
import { createNeighbour, type Neighbour } from './neighbour.ts';
import type { Route } from './route.ts';
import type { OpenOptions, Script, Stage } from './script.ts';
import { createNormaliser, sortParameterRuns, traceLine } from './trace-line.ts';

/** What each session saw, line by line, in the order the sessions were opened. */
export type Trace = ReadonlyMap<string, readonly string[]>;

export interface ScriptRun {
  readonly trace: Trace;
  /** Why the script could not be played to its end. */
  readonly stalled: string | undefined;
  /** Acts of the noisy neighbour: how many were completed, and all that began. */
  readonly neighbourActs: number;
  readonly neighbourStory: readonly string[];
  /** What the neighbour and the route noticed. */
  readonly faults: readonly string[];
}

export interface RunOptions {
  readonly server: Server;
  readonly database: string;
  readonly route: Route;
  readonly hasNeighbour: boolean;
  /** The neighbour's first act; by default it depends on the script, so that each meets another order. */
  readonly neighbourOffset?: number | undefined;
  readonly waitLimitMs?: number;
}

/** How long an act of the neighbour may delay a script whose sessions are all idle. */
const NEIGHBOUR_PATIENCE_MS = 1000;
const NEIGHBOUR_FAREWELL_MS = 3000;

interface Actor {
  readonly caller: Caller;
  readonly traceLogin: boolean;
}

export async function runScript(script: Script, options: RunOptions): Promise<ScriptRun> {
  const { server, database, route } = options;
  const waitLimitMs = options.waitLimitMs ?? 3000;
  const actors: Actor[] = [];
  const observations: string[] = [];
  let neighbour: Neighbour | undefined;
  let observer: DirectConnection | undefined;
  let stalled: string | undefined;
  const sessions = (): Actor[] => actors.filter(({ caller }) => caller.name !== 'neighbour');

  const setting: CallerSetting = {
    waitLimitMs,
    user: server.user,
    password: server.password,
    database,
    loginParameters: route.loginParameters,
    connect: () => route.connect(),
    async beforeSend() {
      if (neighbour === undefined) return;
      neighbour.start();
      if (sessions().every(({ caller }) => caller.isIdle)) await neighbour.settle(NEIGHBOUR_PATIENCE_MS);
    },
    betweenMessages: options.hasNeighbour
      ? async () => {
          neighbour?.start();
          await new Promise((resolve) => setImmediate(resolve));
        }
      : undefined,
  };

  async function openObserver(): Promise<DirectConnection> {
    observer ??= await openDirect(server, database);
    return observer;
  }

  async function add(name: string, open: OpenOptions): Promise<Caller> {
    const caller = createCaller(name, await route.connect(), setting);
    actors.push({ caller, traceLogin: open.traceLogin ?? false });
    return caller;
  }

  const stage: Stage = {
    async open(name, open = {}) {
      await setting.beforeSend();
      const caller = await add(name, open);
      await caller.login(open);
      return caller;
    },
    async connect(name) {
      await setting.beforeSend();
      return add(name, { traceLogin: true });
    },
    async observe(sql) {
      const answer = await (await openObserver()).query(sql);
      observations.push(`${sql.trim()} => ${answer}`);
      return answer;
    },
    async observeUntil(sql, expected) {
      const deadline = Date.now() + waitLimitMs;
      const connection = await openObserver();
      let answer = await connection.query(sql);
      while (answer !== expected && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        answer = await connection.query(sql);
      }
      observations.push(`${sql.trim()} => ${answer}`);
    },
    async untilRunning(sqlFragment, waitEvent) {
      const deadline = Date.now() + waitLimitMs;
      const connection = await openObserver();
      const asked = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
        AND pid <> pg_backend_pid() AND query LIKE '%${sqlFragment}%' AND ${waitEvent === undefined ? 'true' : `wait_event = '${waitEvent}'`}`;
      while ((await connection.query(asked)) === '0') {
        if (Date.now() > deadline) throw new ConversationStalled(`nothing like ${sqlFragment} began to run`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };

  if (options.hasNeighbour) {
    const connection = await route.connect();
    const { betweenMessages: _, ...quietly } = setting;
    const caller = createCaller('neighbour', connection, {
      ...quietly,
      waitLimitMs: NEIGHBOUR_FAREWELL_MS * 2,
      beforeSend: async () => {},
    });
    await caller.login({});
    neighbour = createNeighbour(caller, options.neighbourOffset ?? hash(script.name), script.withoutActs);
    actors.push({ caller, traceLogin: false });
  }

  const ended = new Set<Caller>();
  try {
    await script.run(stage);
    for (const { caller } of sessions()) if (caller.isClosed) ended.add(caller);
    for (const { caller } of sessions()) await caller.terminate();
  } catch (error) {
    if (!(error instanceof ConversationStalled)) throw error;
    stalled = error.message;
    for (const { caller } of sessions()) caller.disconnect();
  }
  await neighbour?.settle(stalled === undefined ? NEIGHBOUR_FAREWELL_MS : 0);
  for (const { caller } of actors) caller.disconnect();
  await observer?.close();

  const names = new Map(actors.map(({ caller }) => [caller.processId, caller.name]));
  const trace = new Map<string, string[]>();
  for (const { caller, traceLogin } of sessions()) {
    const normaliser = createNormaliser((processId) => names.get(processId) ?? 'a stranger');
    const compared = caller.received.filter((found) => found.type !== 'R' || found.body.readInt32BE(0) === 0);
    const skipped = traceLogin ? 0 : caller.loginEnd - (caller.received.length - compared.length);
    const lines = compared.slice(skipped).map((found) => traceLine(found, normaliser));
    if (caller.unparsed.length > 0) lines.push(`(bytes 0x${caller.unparsed.toString('hex')})`);
    const shown = sortParameterRuns(lines);
    trace.set(caller.name, ended.has(caller) ? [...shown, '(closed)'] : shown);
  }
  if (observations.length > 0) trace.set('observer', observations);
  return {
    trace,
    stalled,
    neighbourActs: neighbour?.completed ?? 0,
    neighbourStory: neighbour?.acts ?? [],
    faults: [...(neighbour?.faults ?? []), ...route.faults()],
  };
}

/** A small stable number from a name (FNV-1a), so that each script meets the neighbour in another mood. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return state;
}
