import type { Event } from './event.ts';
import { formatPretty } from './format-pretty.ts';

export type LogFormat = 'pretty' | 'json';

export interface EventLog {
  log(event: Event): void;
  /** Prints the line that comes first of all, and then what was logged until now. */
  open(first: Event): void;
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
  let held: { event: Event; at: Date }[] | undefined = [];

  function print(event: Event, at: Date): void {
    const line =
      options.format === 'json'
        ? JSON.stringify(event.event === 'listening' ? event : { time: at.toISOString(), ...event })
        : formatPretty(event, at, options.isColored);
    options.write(`${line}\n`);
  }

  return {
    log(event) {
      const at = options.now();
      if (!held) print(event, at);
      else if (held.length < maxHeldEvents) held.push({ event, at });
    },
    open(first) {
      const waiting = held ?? [];
      held = undefined;
      // For people the banner has said it already.
      if (options.format === 'json') print(first, options.now());
      for (const { event, at } of waiting) print(event, at);
    },
  };
}
