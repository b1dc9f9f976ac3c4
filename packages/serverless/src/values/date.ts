/** Dates, as `postgres-date` reads and node-postgres writes them. */

const isoDate = /(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(\.\d+)?(?:(Z|[+-])(\d\d)?:?(\d\d)?:?(\d\d)?)?.*?)?( BC)?$/;

/** Without an offset it is local time. `infinity` is a number, what is not ISO is null. */
export function parseDate(text: string): Date | number | null {
  if (text.endsWith('infinity')) return text[0] === '-' ? -Infinity : Infinity;
  const match = isoDate.exec(text);
  if (match === null) return null;
  const number = (index: number): number => Number(match[index] ?? 0);
  const year = match[12] === undefined ? number(1) : 1 - number(1);
  const parts = [
    year,
    number(2) - 1,
    number(3),
    number(4),
    number(5),
    number(6),
    1000 * Number.parseFloat(match[7] ?? '0'),
  ] as const;
  // Both constructors take 0 to 99 for the last century.
  const isEarly = year >= 0 && year < 100;
  const sign = match[8];
  if (sign === undefined) {
    const date = new Date(...parts);
    if (isEarly) date.setFullYear(year);
    return date;
  }
  const date = new Date(Date.UTC(...parts));
  if (isEarly) date.setUTCFullYear(year);
  const offset = (number(9) * 3600 + number(10) * 60 + number(11)) * 1000;
  date.setTime(date.getTime() - (sign === '-' ? -offset : offset));
  return date;
}

/** What node-postgres' `defaults` can change, global as they are. */
export const dateSettings: { areSentAsUtc: boolean } = { areSentAsUtc: false };

/** The text of a parameter: local time with its offset, or UTC. Throws a RangeError for an invalid date. */
export function formatDate(date: Date): string {
  const minutes = dateSettings.areSentAsUtc ? 0 : -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000);
  const year = local.getUTCFullYear();
  const pad = (value: number, length = 2): string => String(value).padStart(length, '0');
  const offset = Math.abs(minutes);
  return (
    `${pad(year < 1 ? 1 - year : year, 4)}${local.toISOString().slice(-20, -1)}` +
    `${minutes < 0 ? '-' : '+'}${pad(Math.floor(offset / 60))}:${pad(offset % 60)}${year < 1 ? ' BC' : ''}`
  );
}
