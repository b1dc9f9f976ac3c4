/** Dates, as `postgres-date` reads and node-postgres writes them. */

const isoDate = /(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(\.\d+)?(?:(Z|[+-])(\d\d)?:?(\d\d)?:?(\d\d)?)?.*?)?( BC)?$/;

/** Without an offset it is local time. `infinity` is a number, what is not ISO is null. */
export function parseDate(text: string): Date | number | null {
  if (text.endsWith('infinity')) return text[0] === '-' ? -Infinity : Infinity;
  const match = isoDate.exec(text);
  if (!match) return null;
  const number = (index: number): number => Number(match[index] ?? 0);
  const zone = match[8];
  const way = zone === '-' ? -1 : 1;
  const utc = zone ? 'UTC' : '';
  // Not by the constructor, which takes 0 to 99 for the last century.
  const date = new Date(2000, 0);
  date[`set${utc}FullYear`](match[12] ? 1 - number(1) : number(1), number(2) - 1, number(3));
  date[`set${utc}Hours`](
    number(4) - way * number(9),
    number(5) - way * number(10),
    number(6) - way * number(11),
    number(7) * 1000,
  );
  return date;
}

/** What node-postgres' `defaults` can change, global as they are. */
export const dateSettings: { areSentAsUtc: boolean } = { areSentAsUtc: false };

/** The text of a parameter: local time with its offset, or UTC. Throws a RangeError for an invalid date. */
export function formatDate(date: Date): string {
  const minutes = dateSettings.areSentAsUtc ? 0 : -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000);
  const year = local.getUTCFullYear();
  const isBc = year < 1;
  const digits = String(isBc ? 1 - year : year).padStart(4, '0');
  const offset = new Date(Math.abs(minutes) * 60_000).toISOString().slice(11, 16);
  return `${digits}${local.toISOString().slice(-20, -1)}${minutes < 0 ? '-' : '+'}${offset}${isBc ? ' BC' : ''}`;
}
