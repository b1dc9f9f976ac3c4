// The bench's side of the load generator: a process of its own, so that its work is not ours to wait for.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Meter } from '../measure/meter.ts';
import { sleep } from '../processes/running-process.ts';
import type { FleetCount, FleetOptions } from './fleet.ts';

export type GeneratorRequest = { readonly id: number; readonly fleet: number } & (
  | { readonly verb: 'open'; readonly options: FleetOptions }
  | { readonly verb: 'begin' | 'mark' | 'end' | 'stall' | 'close' }
  | { readonly verb: 'askOnce'; readonly callers: number }
  | { readonly verb: 'connectAndAsk'; readonly times: number; readonly lanes: number }
);

export interface GeneratorAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Callers in the generator. */
export interface RemoteFleet {
  begin(): Promise<void>;
  /** Runs for `warmMs`, then counts for `measureMs`. */
  run(meter: Meter, warmMs: number, measureMs: number): Promise<FleetCount>;
  askOnce(callers: number): Promise<FleetCount>;
  connectAndAsk(times: number, lanes: number): Promise<FleetCount>;
  stall(): Promise<void>;
  close(): Promise<void>;
}

export interface GeneratorProcess {
  open(options: FleetOptions): Promise<RemoteFleet>;
  stop(): Promise<void>;
}

// Distributes over what is an intersection with a union.
type WithoutIds<T> = T extends unknown ? Omit<T, 'id' | 'fleet'> : never;

export async function startGenerator(dist: string): Promise<GeneratorProcess> {
  const child = fork(join(dist, 'generator.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const waiting = new Map<number, (answer: GeneratorAnswer) => void>();
  let lastId = 0;
  let lastFleet = 0;
  let hasEnded = false;
  child.on('message', (answer: GeneratorAnswer) => waiting.get(answer.id)?.(answer));
  child.once('exit', () => {
    hasEnded = true;
    for (const [id, settle] of waiting) settle({ id, error: 'the load generator ended' });
  });

  function send(fleet: number, request: WithoutIds<GeneratorRequest>): Promise<unknown> {
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      if (hasEnded) return reject(new Error('the load generator ended'));
      waiting.set(id, ({ value, error }) => {
        waiting.delete(id);
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      });
      child.send({ id, fleet, ...request });
    });
  }

  return {
    async open(options) {
      const fleet = ++lastFleet;
      await send(fleet, { verb: 'open', options });
      // What comes back is what fleet.ts returns.
      return {
        begin: async () => void (await send(fleet, { verb: 'begin' })),
        async run(meter, warmMs, measureMs) {
          await send(fleet, { verb: 'begin' });
          await sleep(warmMs);
          await send(fleet, { verb: 'mark' });
          meter.begin();
          await sleep(measureMs);
          meter.end();
          return (await send(fleet, { verb: 'end' })) as FleetCount;
        },
        askOnce: async (callers) => (await send(fleet, { verb: 'askOnce', callers })) as FleetCount,
        connectAndAsk: async (times, lanes) =>
          (await send(fleet, { verb: 'connectAndAsk', times, lanes })) as FleetCount,
        stall: async () => void (await send(fleet, { verb: 'stall' })),
        close: async () => void (await send(fleet, { verb: 'close' })),
      };
    },
    async stop() {
      if (hasEnded) return;
      child.disconnect();
      await new Promise((resolve) => child.once('exit', resolve));
      process.off('exit', kill);
    },
  };
}
