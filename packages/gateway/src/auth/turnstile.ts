/** Lets so many tasks run at once, the rest in the order they came. */
export interface Turnstile {
  /** Runs `task` when its turn comes. Rejects with what `onFull` makes when too many wait already. */
  run<T>(task: () => Promise<T>): Promise<T>;
}

export interface TurnstileOptions {
  maxRunning: number;
  maxWaiting: number;
  onFull: () => Error;
}

export function createTurnstile({ maxRunning, maxWaiting, onFull }: TurnstileOptions): Turnstile {
  // A Set keeps the order of arrival and forgets its first entry cheaply.
  const waiting = new Set<() => void>();
  let running = 0;

  function leave(): void {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    // The place goes from one to the next without being free in between.
    waiting.delete(next);
    next();
  }

  return {
    async run(task) {
      if (running < maxRunning) running += 1;
      else if (waiting.size >= maxWaiting) throw onFull();
      else await new Promise<void>((resolve) => waiting.add(resolve));
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
