// Not the global one, which is an accessor: this is asked several times per query.
import { performance } from 'node:perf_hooks';
import type { Clock } from '@postern/pool';

/** The longest a Node timer can wait; beyond it setTimeout fires at once. */
const longestTimerMs = 2_147_483_647;

/** Real time. Its timers never keep the process alive by themselves. */
export function createNodeClock(): Clock {
  return {
    now: () => performance.now(),
    after(milliseconds, callback) {
      const timer = setTimeout(callback, Math.min(milliseconds, longestTimerMs));
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
