/** Intervals, as `postgres-interval` has them: an object of the parts that are not zero. */

const parts = ['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'months', 'years'] as const;

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
    const [, ...digits] = /(?:(\S+) y\S+ ?)?(?:(\S+) m\S+ ?)?(?:(\S+) d\S+ ?)?(?:[-+]?(\d+):(\d+):(\d+)(\.\d+)?)?/.exec(
      interval,
    )!;
    const isNegative = /-\d+:/.test(interval);
    digits.forEach((text, index) => {
      const value = Number(index < 6 ? text : `${text}e3`);
      if (value) this[parts[6 - index]!] = isNegative && index > 2 ? -value : value;
    });
  }

  /** As a parameter. */
  toPostgres(): string {
    const all = { ...this, seconds: this.#seconds() };
    const names = parts.slice(1).filter((part) => this[part]);
    if (this.milliseconds && !this.seconds) names.push('seconds');
    return names.map((part) => `${all[part]} ${part}`).join(' ') || '0';
  }

  /** ISO 8601: `P1Y2M3DT4H5M6.7S`. */
  toISO(): string {
    const [, , minutes, hours, days, months, years] = parts.map((part) => this[part] ?? 0);
    return `P${years}Y${months}M${days}DT${hours}H${minutes}M${this.#seconds()}S`;
  }

  toISOString(): string {
    return this.toISO();
  }

  #seconds(): number {
    return Number(((this.seconds ?? 0) + (this.milliseconds ?? 0) / 1000).toFixed(6));
  }
}
