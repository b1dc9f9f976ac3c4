// Tells whether many `/sql` requests come or few: what saves memory while nothing happens can be too dear when much does.

import type { Clock } from '@postern/pool';
import type { SqlHandler } from '../http/sql-handler.ts';

/** Requests per second from which on the load is high, and below which, for some seconds, it is not any more. */
const highRate = 500;
const lowRate = 50;
const calmSeconds = 5;
const secondMs = 1_000;

/** The same handler; `onLoad` is called when the load becomes high, and when it is over. No timer runs without requests. */
export function watchSqlLoad(handler: SqlHandler, clock: Clock, onLoad: (isHigh: boolean) => void): SqlHandler {
  let count = 0;
  let isWatching = false;
  let isHigh = false;
  let calm = 0;

  function watch(): void {
    const rate = count;
    count = 0;
    calm = rate < lowRate ? calm + 1 : 0;
    if (!isHigh && rate >= highRate) {
      isHigh = true;
      onLoad(true);
    } else if (isHigh && calm >= calmSeconds) {
      isHigh = false;
      onLoad(false);
    }
    isWatching = isHigh || rate > 0;
    if (isWatching) clock.after(secondMs, watch);
  }

  return (request, respond) => {
    count++;
    if (!isWatching) {
      isWatching = true;
      calm = 0;
      clock.after(secondMs, watch);
    }
    handler(request, respond);
  };
}
