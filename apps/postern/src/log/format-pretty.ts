import type { Event } from './event.ts';

const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;
const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
const bold = (text: string): string => `\u001b[1m${text}\u001b[22m`;

/** `12:03:04.567  session opened  transport=ws user=app`: an event as one line for people. */
export function formatPretty(event: Event, at: Date, isColored: boolean): string {
  const style = (apply: (text: string) => string, text: string): string => (isColored ? apply(text) : text);
  const { event: name, ...details } = event;
  const isTrouble = /fail|error|lost|refused|fault|unexpected|panic/.test(name) || details.error !== undefined;
  const title = style(isTrouble ? red : bold, name.replaceAll('_', ' '));
  const rest = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${style(dim, `${key}=`)}${formatValue(value)}`);
  return [style(dim, clockTime(at)), title, ...rest].join('  ');
}

function clockTime(at: Date): string {
  const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

/** Quoted when it would not read as one word; control characters of strangers never reach the terminal. */
function formatValue(value: Event[string]): string {
  if (typeof value === 'number') return String(Math.round(value * 10) / 10);
  if (typeof value !== 'string') return Array.isArray(value) ? value.map(formatValue).join(',') : String(value);
  return /^[\w.:/@%+-]+$/.test(value) ? value : JSON.stringify(value).replace(/[\u007f-\u009f]/g, '?');
}
