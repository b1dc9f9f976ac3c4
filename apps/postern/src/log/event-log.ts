import type { Event } from './event.ts';
import { formatPretty } from './format-pretty.ts';

export type LogFormat = 'pretty' | 'json';

export interface EventLog {
  log(event: Event): void;
  /** Lines that another process has made of its events. */
  print(lines: string): void;
  /** Prints the line that comes first of all, where there is one, and then what was logged until now. */
  open(first?: Event): void;
}

export interface EventLogOptions {
  readonly format: LogFormat;
  readonly write: (text: string) => void;
  readonly isColored: boolean;
  readonly now: () => Date;
}

/** Events kept while nothing may be printed yet; start-up produces a handful. */
const maxHeldEvents = 1_000;

/**
 * One line per event. Nothing is printed before `open`: a program that reads the log finds `listening` in the first line.
 */
export function createEventLog(options: EventLogOptions): EventLog {
  let held: (() => void)[] | undefined = [];

  function orHold(print: () => void): void {
    if (!held) print();
    else if (held.length < maxHeldEvents) held.push(print);
  }

  function printEvent(event: Event, at: Date): void {
    const line =
      options.format === 'json'
        ? JSON.stringify(event.event === 'listening' ? event : { time: at.toISOString(), ...event })
        : formatPretty(event, at, options.isColored);
    options.write(`${line}\n`);
  }

  return {
    log(event) {
      const at = options.now();
      orHold(() => printEvent(event, at));
    },
    print: (lines) => orHold(() => options.write(lines)),
    open(first) {
      const waiting = held ?? [];
      held = undefined;
      // For people the banner has said it already.
      if (first !== undefined && options.format === 'json') printEvent(first, options.now());
      for (const print of waiting) print();
    },
  };
}
