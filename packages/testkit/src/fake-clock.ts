import type { Clock } from '@postern/pool';

/** A Clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves time forward; due timers fire in the order of their times, timers they start included. */
  advance(milliseconds: number): void;
  /** Timers that have neither fired nor been cancelled: 0 at the end shows that nothing leaks. */
  readonly pendingTimers: number;
}

interface Pending {
  readonly at: number;
  readonly callback: () => void;
}

export function createFakeClock(startMs = 1_000): FakeClock {
  let now = startMs;
  const pending = new Set<Pending>();

  function earliestUntil(limit: number): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of pending) {
      // Strictly earlier: of two timers for the same moment the older one comes first.
      if (timer.at <= limit && (!first || timer.at < first.at)) first = timer;
    }
    return first;
  }

  return {
    now: () => now,
    after(milliseconds, callback) {
      const timer = { at: now + Math.max(0, milliseconds), callback };
      pending.add(timer);
      return { cancel: () => void pending.delete(timer) };
    },
    advance(milliseconds) {
      const until = now + milliseconds;
      for (let timer = earliestUntil(until); timer; timer = earliestUntil(until)) {
        now = timer.at;
        pending.delete(timer);
        timer.callback();
      }
      now = until;
    },
    get pendingTimers() {
      return pending.size;
    },
  };
}
