import { createFakeClock } from '@postern/testkit';
import { expect, test } from 'vitest';
import type { Event } from '../log/event.ts';
import { createWorkerProcesses, type WorkerProcess } from './worker-processes.ts';

interface FakeProcess {
  readonly number: number;
  /** What it was told. */
  readonly told: string[];
  serve(): Promise<void>;
  fail(message: string): Promise<void>;
  exit(code: number | null, signal?: string): Promise<void>;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createWorld(count: number) {
  const clock = createFakeClock();
  const born: FakeProcess[] = [];
  const events: Event[] = [];
  const processes = createWorkerProcesses({
    count,
    fork(number) {
      const told: string[] = [];
      let serve = (): void => {};
      let fail = (_error: Error): void => {};
      let exit = (_how: { code: number | null; signal: string | null }): void => {};
      const started = new Promise<void>((resolve, reject) => {
        serve = resolve;
        fail = reject;
      });
      const exited: WorkerProcess['exited'] = new Promise((resolve) => {
        exit = resolve;
      });
      born.push({
        number,
        told,
        async serve() {
          serve();
          await settle();
        },
        async fail(message) {
          fail(new Error(message));
          await settle();
        },
        async exit(code, signal) {
          fail(new Error('ended'));
          exit({ code, signal: signal ?? null });
          await settle();
        },
      });
      return {
        pid: 1000 + born.length,
        started,
        exited,
        stop: (graceMs) => told.push(`stop ${graceMs}`),
        kill: () => told.push('kill'),
      };
    },
    log: (event) => events.push(event),
    after: (milliseconds, callback) => clock.after(milliseconds, callback),
    now: () => clock.now(),
  });
  return {
    processes,
    clock,
    born,
    events,
    async started() {
      const starting = processes.start();
      for (const process of born) await process.serve();
      await starting;
      events.length = 0;
    },
  };
}

test('all must serve before it has started', async () => {
  const { processes, born } = createWorld(2);
  let hasStarted = false;
  const starting = processes.start().then(() => {
    hasStarted = true;
  });
  await born[0]?.serve();
  expect(hasStarted).toBe(false);
  await born[1]?.serve();
  await starting;
  expect(born.map(({ number }) => number)).toEqual([1, 2]);
});

test('when one cannot start, the others are ended and the reason is told', async () => {
  const { processes, born } = createWorld(2);
  const starting = expect(processes.start()).rejects.toThrow('port 1 is in use');
  await born[0]?.serve();
  await born[1]?.fail('port 1 is in use');
  expect(born[0]?.told).toEqual(['stop 0']);
  await born[0]?.exit(0);
  await born[1]?.exit(1);
  await starting;
});

test('one that dies is replaced under its number, later and later when it dies again and again', async () => {
  const { clock, born, events, started } = createWorld(2);
  await started();
  for (const delayMs of [100, 200, 400]) {
    await born.at(-1)?.exit(null, 'SIGKILL');
    const count = born.length;
    clock.advance(delayMs - 1);
    expect(born.length).toBe(count);
    clock.advance(1);
    expect(born.at(-1)?.number).toBe(2);
    expect(events.at(-1)).toEqual({ event: 'worker_exited', worker: 2, signal: 'SIGKILL', restartInMs: delayMs });
    await born.at(-1)?.serve();
    expect(events.pop()).toMatchObject({ event: 'worker_started', worker: 2 });
  }
  clock.advance(60_000);
  await born.at(-1)?.exit(0);
  expect(events.at(-1)).toMatchObject({ code: 0, restartInMs: 100 });
});

test('stops all within the grace, and does not wait for ever', async () => {
  const { processes, clock, born, events, started } = createWorld(2);
  await started();
  let isOver = false;
  const stopping = processes.stop(1_000).then(() => {
    isOver = true;
  });
  await born[0]?.exit(0);
  clock.advance(5_999);
  await settle();
  expect(isOver).toBe(false);
  clock.advance(1);
  expect(born.map(({ told }) => told)).toEqual([
    ['stop 1000', 'kill'],
    ['stop 1000', 'kill'],
  ]);
  await born[1]?.exit(null, 'SIGKILL');
  await stopping;
  expect(events).toEqual([]);
  expect(born).toHaveLength(2);
  expect(clock.pendingTimers).toBe(0);
});
