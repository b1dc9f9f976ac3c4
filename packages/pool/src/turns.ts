/**
 * The rounds in which the platform delivers events: what is done at the end of each, and how far the time at which
 * something is read can be from the time at which it arrived.
 */
import type { Clock } from './clock.ts';

/** A round that begins so much later than the one before has ended was waited for. */
const waitedMs = 0.05;

export class Turns {
  /** When the one under way began; milliseconds on the engine's clock, as all times here. */
  startedAt = 0;
  /** What is read in it has arrived since: while nothing was waited for, the round before may have missed it. */
  arrivedAfter = 0;
  private endedAt = 0;
  private isUnderWay = false;
  private readonly clock: Clock;
  private readonly soon: (callback: () => void) => void;
  private readonly end: () => void;

  /** `soon` calls back when the events at hand have been dealt with; `atEnd` is for what was put off until then. */
  constructor(clock: Clock, soon: (callback: () => void) => void, atEnd: (now: number) => void) {
    this.clock = clock;
    this.soon = soon;
    this.end = (): void => {
      this.isUnderWay = false;
      atEnd(clock.now());
      this.endedAt = clock.now();
    };
  }

  /** Calls back when the events at hand have been dealt with. */
  afterEvents(callback: () => void): void {
    this.soon(callback);
  }

  /** There is an event, or something to be done behind it. */
  begin(): void {
    if (this.isUnderWay) return;
    this.isUnderWay = true;
    const now = this.clock.now();
    this.arrivedAfter = now - this.endedAt > waitedMs ? now : this.startedAt;
    this.startedAt = now;
    this.soon(this.end);
  }
}
