/**
 * How long Postgres takes for the statements of one text, as far as this pool has seen. A text is taken for slow until it
 * has been quick many times, and one slow run counts for many quick ones.
 */
const unprovenMs = 8;
const weight = 1 / 32;

export class Pace {
  /** Milliseconds, a running mean. Of what travels together the first takes them all, so the mean over all is right. */
  ms: number = unprovenMs;

  /** One more was answered so long after it was Postgres' turn, or after it was sent. */
  note(ms: number): void {
    this.ms += (ms - this.ms) * weight;
  }
}
