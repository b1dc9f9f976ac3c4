// A number of like callers in the generator process, and what can be done with them.
import { type Latency, summarizeLatency } from '../measure/statistics.ts';
import { type Caller, createReadBuffer, openCaller, type Route, wrapFor } from './caller.ts';
import { encodeStartup, encodeStatement, type StatementText, terminateMessage } from './caller-messages.ts';

export interface FleetOptions {
  readonly route: Route;
  readonly callers: number;
  readonly user: string;
  readonly password: string;
  /** Start-up parameters; callers take them in turns. */
  readonly startups: readonly Readonly<Record<string, string>>[];
  readonly statement: StatementText;
}

export interface FleetCount {
  readonly operations: number;
  readonly bytes: number;
  readonly latency: Latency;
}

export interface Fleet {
  /** Every caller asks again as soon as it is answered. */
  begin(): void;
  /** Counts from zero. */
  mark(): void;
  /** No more questions. Resolves with the count at this moment when everybody is answered. */
  end(): Promise<FleetCount>;
  /** Every caller asks once, all at the same time. */
  askOnce(callers: number): Promise<FleetCount>;
  /** `times` connections one after the other, on `lanes` lanes: connect, log in, one statement, goodbye. */
  connectAndAsk(times: number, lanes: number): Promise<FleetCount>;
  /** The first caller asks for something large and then does not read. */
  stall(): void;
  close(): void;
}

interface Member {
  caller: Caller;
  /** Of a caller that asks one thing only. */
  whenAnswered?: () => void;
  askedAtMs: number;
}

const maxWaits = 1 << 21;
/** Log-ins under way at once: the gateway limits them, and a certain other relay forks for each. */
const openingAtOnce = 50;

export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const { route, callers, statement } = options;
  const readBuffer = createReadBuffer();
  const question = wrapFor(route, encodeStatement(statement));
  const startups = options.startups.map((parameters) =>
    wrapFor(route, encodeStartup(options.user, options.password, parameters)),
  );
  const waits = new Float64Array(maxWaits);
  let counted = 0;
  let bytes = 0;
  let isRunning = false;
  let asking = 0;
  let answeredAll: (() => void) | undefined;
  let failure: Error | undefined;
  let reportFailure: ((error: Error) => void) | undefined;

  function ask(member: Member): void {
    member.askedAtMs = performance.now();
    asking++;
    member.caller.write(question);
  }
  function answered(member: Member): void {
    const now = performance.now();
    if (counted < maxWaits) waits[counted] = now - member.askedAtMs;
    counted++;
    asking--;
    if (isRunning) ask(member);
    else if (member.whenAnswered) member.whenAnswered();
    else if (asking === 0) answeredAll?.();
  }
  function fail(error: Error): void {
    failure ??= error;
    reportFailure?.(failure);
  }
  function mark(): void {
    counted = 0;
    bytes = 0;
  }
  function count(): FleetCount {
    return { operations: counted, bytes, latency: summarizeLatency(waits.slice(0, Math.min(counted, maxWaits))) };
  }
  function quiet(): Promise<void> {
    if (failure) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      reportFailure = reject;
      answeredAll = resolve;
      if (asking === 0) resolve();
    });
  }

  function logIn(index: number): Promise<Member> {
    return new Promise((resolve, reject) => {
      let isLoggedIn = false;
      const member: Member = {
        askedAtMs: 0,
        caller: openCaller(route, readBuffer, {
          open: () => member.caller.write(startups[index % startups.length]!),
          ready() {
            if (isLoggedIn) return answered(member);
            isLoggedIn = true;
            resolve(member);
          },
          bytes: (received) => {
            bytes += received;
          },
          failed: (error) => (isLoggedIn ? fail(error) : reject(error)),
        }),
      };
    });
  }

  const members: Member[] = [];
  for (let at = 0; at < callers; at += openingAtOnce) {
    const some = Array.from({ length: Math.min(openingAtOnce, callers - at) }, (_, index) => logIn(at + index));
    members.push(...(await Promise.all(some)));
  }

  return {
    begin() {
      isRunning = true;
      for (const member of members) ask(member);
    },
    mark,
    async end() {
      isRunning = false;
      const result = count();
      await quiet();
      return result;
    },
    async askOnce(some) {
      mark();
      for (const member of members.slice(0, some)) ask(member);
      await quiet();
      return count();
    },
    async connectAndAsk(times, lanes) {
      mark();
      const goodbye = wrapFor(route, terminateMessage);
      const totals: number[] = [];
      let left = times;
      const lane = async (): Promise<void> => {
        while (left-- > 0) {
          const startedAtMs = performance.now();
          const member = await logIn(left);
          await new Promise<void>((resolve, reject) => {
            reportFailure = reject;
            member.whenAnswered = resolve;
            ask(member);
          });
          totals.push(performance.now() - startedAtMs);
          member.caller.write(goodbye);
          member.caller.destroy();
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return { operations: totals.length, bytes, latency: summarizeLatency(Float64Array.from(totals)) };
    },
    stall() {
      const [member] = members;
      if (!member) return;
      member.caller.write(question);
      member.caller.pause();
    },
    close() {
      for (const member of members) member.caller.destroy();
    },
  };
}
