/** Dates, as `postgres-date` reads and node-postgres writes them. */

/** Without an offset it is local time. `infinity` is a number, what is not ISO is null. */
export function parseDate(text: string): Date | number | null {
  if (!/^\d{3}/.test(text)) return Number(text.replace('i', 'I')) || null;
  const [, zone = ''] = /:.*([+-])/.exec(text) ?? [];
  const [year = 0, month = 0, day, hour = 0, minute = 0, second = 0, ...offset] = text.split(/[^\d.]+/).map(Number);
  const [hours = 0, minutes = 0, seconds = 0] = offset.map((part) => -Number(zone + part));
  const utc = zone ? 'UTC' : '';
  // Not by the constructor, which takes 0 to 99 for the last century.
  const date = new Date(0);
  date[`set${utc}FullYear`](/BC$/.test(text) ? 1 - year : year, month - 1, day);
  // Whole microseconds, else rounding might lose a millisecond.
  date[`set${utc}Hours`](hour + hours, minute + minutes, seconds, Math.round(second * 1e6) / 1000);
  return date;
}

/** What node-postgres' `defaults` can change, global as they are. */
export const dateSettings: { areSentAsUtc: boolean } = { areSentAsUtc: false };

/** The text of a parameter: local time with its offset, or UTC. Throws a RangeError for an invalid date. */
export function formatDate(date: Date): string {
  const local = new Date(date);
  if (!dateSettings.areSentAsUtc) {
    // Not by getTimezoneOffset(), which leaves out the seconds of old offsets: a day might become the one before.
    local.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate());
    local.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds());
  }
  const year = local.getUTCFullYear();
  return (
    String(year < 1 ? 1 - year : year).padStart(4, '0') +
    local.toISOString().slice(-20, -1) +
    (date > local ? '-' : '+') +
    new Date(Math.abs(+date - +local)).toISOString().slice(11, 19).replace(/:00$/, '') +
    (year < 1 ? ' BC' : '')
  );
}
