/** Intervals, as `postgres-interval` has them: an object of the parts that are not zero. */

const text =
  /(?:([+-]?\d+) years?)?\s*(?:([+-]?\d+) mons?)?\s*(?:([+-]?\d+) days?)?\s*(?:([+-])?(\d*):(\d\d):(\d\d)\.?(\d{1,6})?)?/;
const parts = ['years', 'months', 'days', 'hours', 'minutes', 'seconds', 'milliseconds'] as const;
const timeParts = 3;

/** An `interval` value. */
export class PostgresInterval {
  declare years?: number;
  declare months?: number;
  declare days?: number;
  declare hours?: number;
  declare minutes?: number;
  declare seconds?: number;
  /** With fractions: microseconds / 1000. */
  declare milliseconds?: number;

  constructor(interval: string) {
    const match = text.exec(interval) ?? [];
    const sign = match[4] === '-' ? -1 : 1;
    parts.forEach((part, index) => {
      const digits = match[index < timeParts ? index + 1 : index + 2];
      if (!digits) return;
      const value = part === 'milliseconds' ? Number(digits.padEnd(6, '0')) / 1000 : Number(digits);
      if (value !== 0) this[part] = index < timeParts ? value : value * sign;
    });
  }

  /** As a parameter. */
  toPostgres(): string {
    const names = parts.slice(0, 6).filter((part) => this[part]);
    names.reverse();
    if (this.milliseconds && !this.seconds) names.push('seconds');
    return names.map((part) => `${part === 'seconds' ? this.#seconds(/\.?0+$/) : this[part]} ${part}`).join(' ') || '0';
  }

  /** ISO 8601: `P1Y2M3DT4H5M6.7S`. */
  toISO(): string {
    const of = (part: (typeof parts)[number]): number => this[part] ?? 0;
    return `P${of('years')}Y${of('months')}M${of('days')}DT${of('hours')}H${of('minutes')}M${this.#seconds(/0+$/)}S`;
  }

  toISOString(): string {
    return this.toISO();
  }

  #seconds(zeros: RegExp): string {
    const { seconds = 0, milliseconds } = this;
    return milliseconds ? (seconds + milliseconds / 1000).toFixed(6).replace(zeros, '') : String(seconds);
  }
}
