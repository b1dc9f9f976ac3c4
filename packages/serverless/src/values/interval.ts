/** Intervals, as `postgres-interval` has them: an object of the parts that are not zero. */

const parts = ['years', 'months', 'days', 'hours', 'minutes', 'seconds', 'milliseconds'] as const;

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
    const days = [...'ymd'].map((unit) => new RegExp(`(\\S+) ${unit}`).exec(interval)?.[1]);
    const [, sign, ...time] = /(-?)(\d+):(\d\d):(\d\d)\.?(\d*)/.exec(interval) ?? [];
    [...days, ...time].forEach((digits, index) => {
      const value = index < 6 ? Number(digits) : Number(digits?.padEnd(6, '0')) / 1000;
      if (value) this[parts[index]!] = sign && index > 2 ? -value : value;
    });
  }

  /** As a parameter. */
  toPostgres(): string {
    const names = parts.slice(0, 6).filter((part) => this[part]);
    names.reverse();
    if (this.milliseconds && !this.seconds) names.push('seconds');
    return names.map((part) => `${part === 'seconds' ? this.#seconds() : this[part]} ${part}`).join(' ') || '0';
  }

  /** ISO 8601: `P1Y2M3DT4H5M6.7S`. */
  toISO(): string {
    const [years, months, days, hours, minutes] = parts.map((part) => this[part] ?? 0);
    return `P${years}Y${months}M${days}DT${hours}H${minutes}M${this.#seconds()}S`;
  }

  toISOString(): string {
    return this.toISO();
  }

  #seconds(): number {
    return Number(((this.seconds ?? 0) + (this.milliseconds ?? 0) / 1000).toFixed(6));
  }
}
