/** The worker processes: started, replaced when they die, stopped together. What they say to each other is not its business. */
import type { Event } from '../log/event.ts';

/** One process, as far as it matters here. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Asks it to stop. */
  stop(graceMs: number): void;
  kill(): void;
  /** Resolves once it serves; rejects with why it cannot, or when it ended before. */
  readonly started: Promise<void>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface WorkerProcessesOptions {
  readonly count: number;
  /** Starts the process with this number. */
  fork(number: number): WorkerProcess;
  log(event: Event): void;
  /** setTimeout, or what a test has instead. */
  readonly after: (milliseconds: number, callback: () => void) => { cancel(): void };
  readonly now: () => number;
}

export interface WorkerProcesses {
  /** Resolves when all serve. When one cannot, all are ended and it rejects with the reason. */
  start(): Promise<void>;
  /** Lets them finish within the grace, then ends them. */
  stop(graceMs: number): Promise<void>;
}

/** A worker that dies at once is not started again at once. */
const firstDelayMs = 100;
const longestDelayMs = 10_000;
/** One that lived for so long died of something new. */
const healthyMs = 30_000;
/** Beyond the grace: for goodbyes. */
const extraMs = 5_000;

export function createWorkerProcesses(options: WorkerProcessesOptions): WorkerProcesses {
  const { count, fork, log, after, now } = options;
  const running = new Map<number, WorkerProcess>();
  const delays = new Set<{ cancel(): void }>();
  const failures = new Map<number, number>();
  let isStarted = false;
  let isStopping = false;

  function launch(number: number): WorkerProcess {
    const bornAt = now();
    const worker = fork(number);
    running.set(number, worker);
    worker.started.then(
      () => {
        if (!isStopping) log({ event: 'worker_started', worker: number, pid: worker.pid });
      },
      (error: unknown) => {
        if (isStarted && !isStopping) log({ event: 'worker_failed', worker: number, error: (error as Error).message });
      },
    );
    void worker.exited.then(({ code, signal }) => {
      running.delete(number);
      if (isStarted && !isStopping) replace(number, now() - bornAt, code, signal);
    });
    return worker;
  }

  function replace(number: number, livedMs: number, code: number | null, signal: string | null): void {
    const failed = livedMs > healthyMs ? 0 : (failures.get(number) ?? 0);
    failures.set(number, failed + 1);
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** failed);
    const why = signal === null ? { code: code ?? 0 } : { signal };
    log({ event: 'worker_exited', worker: number, ...why, restartInMs: delayMs });
    const delay = after(delayMs, () => {
      delays.delete(delay);
      if (!isStopping) launch(number);
    });
    delays.add(delay);
  }

  async function stop(graceMs: number): Promise<void> {
    isStopping = true;
    for (const delay of delays) delay.cancel();
    const all = [...running.values()];
    for (const worker of all) worker.stop(graceMs);
    const timer = after(graceMs + extraMs, () => {
      for (const worker of all) worker.kill();
    });
    await Promise.all(all.map(({ exited }) => exited));
    timer.cancel();
  }

  return {
    async start() {
      const workers = Array.from({ length: count }, (_, i) => launch(i + 1));
      try {
        await Promise.all(workers.map(({ started }) => started));
      } catch (error) {
        await stop(0);
        throw error;
      }
      isStarted = true;
    },
    stop,
  };
}
