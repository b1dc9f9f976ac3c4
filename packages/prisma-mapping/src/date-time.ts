// Dates and times between Postgres' ISO text and Prisma's. Prisma's DateTime is an instant in UTC; what Postgres writes
// for timestamptz is shifted to the session's TimeZone, so the offset is converted, not cut off as the official adapters do.

const timestampPattern = /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(\.\d+)?([+-]\d\d(?::\d\d){0,2})?( BC)?$/;
const timePattern = /^(\d\d):(\d\d):(\d\d)(\.\d+)?([+-]\d\d(?::\d\d){0,2})$/;
const millisecondsPerDay = 86_400_000;

/** `2024-01-02 03:04:05.678` → `2024-01-02T03:04:05.678+00:00`: Prisma takes a time without a zone for UTC. */
export function timestampText(text: string): string {
  const match = timestampPattern.exec(text);
  if (match === null) return text; // infinity
  return text[4] === '-' && match[9] === undefined ? `${text.replace(' ', 'T')}+00:00` : shifted(match);
}

/** The same for a text with an offset, in whatever TimeZone it was written: the result is in UTC. */
export function timestamptzText(text: string): string {
  // Nearly always: the gateway's sessions run in UTC.
  if (text.endsWith('+00') && text[4] === '-') return `${text.slice(0, -3).replace(' ', 'T')}+00:00`;
  const match = timestampPattern.exec(text);
  return match === null ? text : shifted(match);
}

/** `2024-01-02` as it is; `0044-03-15 BC` → `-000043-03-15`. */
export function dateText(text: string): string {
  if (text.length === 10) return text; // nearly always
  const match = timestampPattern.exec(text.replace(/(?= BC$)|$/, ' 00:00:00'));
  return match === null ? text : shifted(match, text).replace(/T.*/, '');
}

/** `03:04:05.6+05:30` → `21:34:05.6`, the time of day in UTC. */
export function timetzText(text: string): string {
  const match = timePattern.exec(text);
  if (match === null) return text;
  const [, hours, minutes, seconds, fraction = '', offset = ''] = match;
  const atMs = timeMs(hours, minutes, seconds) - offsetMs(offset);
  const inDayMs = ((atMs % millisecondsPerDay) + millisecondsPerDay) % millisecondsPerDay;
  return new Date(inDayMs).toISOString().slice(11, 19) + fraction;
}

/** Whole seconds are shifted, the fraction is kept as text: a Date has no microseconds. What no Date can hold stays `text`. */
function shifted(match: RegExpExecArray, text: string = match[0]): string {
  const [, year, month, day, hours, minutes, seconds, fraction = '', offset = '+00', era] = match;
  const date = new Date(0);
  // 1 BC is the year 0 of ISO 8601.
  date.setUTCFullYear(era === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  date.setTime(date.getTime() + timeMs(hours, minutes, seconds) - offsetMs(offset));
  if (Number.isNaN(date.getTime())) return text;
  // Years beyond four digits get ISO's sign and six digits, which Date reads back.
  return `${date.toISOString().slice(0, -5)}${fraction}+00:00`;
}

function timeMs(hours = '0', minutes = '0', seconds = '0'): number {
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function offsetMs(offset: string): number {
  const [hours, minutes, seconds] = offset.slice(1).split(':');
  return (offset.startsWith('-') ? -1 : 1) * timeMs(hours, minutes, seconds);
}

/**
 * A Date as Postgres reads it, in UTC: `2024-01-02 03:04:05.678`. Years before 1 end in ` BC`. `microseconds`: the digits
 * behind its milliseconds.
 */
export function formatTimestamp(date: Date, microseconds?: string): string {
  return `${formatDay(date)} ${formatTime(date, microseconds)}${era(date)}`;
}

/** The same with its offset, so that the session's TimeZone does not matter. */
export function formatTimestamptz(date: Date, microseconds?: string): string {
  return `${formatDay(date)} ${formatTime(date, microseconds)}+00${era(date)}`;
}

/** `2024-01-02` */
export function formatDate(date: Date): string {
  return `${formatDay(date)}${era(date)}`;
}

/** `03:04:05.678` */
export function formatTime(date: Date, microseconds = ''): string {
  const milliseconds = date.getUTCMilliseconds();
  const isWhole = milliseconds === 0 && microseconds === '';
  const fraction = isWhole ? '' : `.${String(milliseconds).padStart(3, '0')}${microseconds}`;
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}${fraction}`;
}

function formatDay(date: Date): string {
  const year = date.getUTCFullYear();
  const shown = year > 0 ? year : 1 - year;
  return `${String(shown).padStart(4, '0')}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

function era(date: Date): string {
  return date.getUTCFullYear() > 0 ? '' : ' BC';
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
