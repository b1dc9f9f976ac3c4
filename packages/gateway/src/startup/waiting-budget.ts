import type { Clock, Timer } from '@postern/pool';

/** Time a caller may keep us waiting, all its pauses together; what we ourselves take does not count. */
export interface WaitingBudget {
  /** It is the caller's turn. */
  start(): void;
  /** It is ours. */
  stop(): void;
}

export function createWaitingBudget(clock: Clock, budgetMs: number, onSpent: () => void): WaitingBudget {
  let leftMs = budgetMs;
  let running: { readonly since: number; readonly timer: Timer } | undefined;
  return {
    start() {
      running ??= { since: clock.now(), timer: clock.after(Math.max(0, leftMs), onSpent) };
    },
    stop() {
      if (running === undefined) return;
      running.timer.cancel();
      leftMs -= clock.now() - running.since;
      running = undefined;
    },
  };
}
