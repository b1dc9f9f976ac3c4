// JSON parameter → the text Postgres reads, as Neon's proxy does it (reference/neon-wire.md §1.5 b).
// One deviation: strings inside arrays are quoted by the rules of Postgres, not of JSON, so line breaks survive.

import { type ExactJson, JsonNumber } from './exact-json.ts';

/** The text form of one parameter; null stays null. Throws RangeError for a number no double can hold. */
export function parameterText(value: ExactJson): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof JsonNumber) return numberText(value.literal);
  if (Array.isArray(value)) return arrayText(value);
  return jsonText(value);
}

function arrayText(items: readonly ExactJson[]): string {
  const texts = items.map((item) => {
    if (item === null) return 'NULL';
    if (typeof item === 'string') return quoteElement(item);
    if (typeof item === 'object' && !Array.isArray(item) && !(item instanceof JsonNumber)) {
      return quoteElement(jsonText(item));
    }
    return parameterText(item);
  });
  return `{${texts.join(',')}}`;
}

function quoteElement(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Compact JSON, keys sorted. */
function jsonText(value: ExactJson): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof JsonNumber) return numberText(value.literal);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${jsonText(value[key]!)}`);
  return `{${members.join(',')}}`;
}

const minInt64 = -(2n ** 63n);
const maxUint64 = 2n ** 64n - 1n;

/** Integers of up to 64 bits as they are, everything else as the shortest text of the nearest double. */
function numberText(literal: string): string {
  if (/^-?\d+$/.test(literal) && literal !== '-0' && literal.length <= 20) {
    const integer = BigInt(literal);
    if (integer >= minInt64 && integer <= maxUint64) return literal;
  }
  const double = Number(literal);
  if (!Number.isFinite(double)) throw new RangeError('number out of range');
  return doubleText(double);
}

/** The rendering of Rust's ryu: `1.0`, `12340000000.0`, `0.001234`, `1e16`, `1.234e33`. */
function doubleText(double: number): string {
  if (double === 0) return Object.is(double, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponent = ''] = Math.abs(double).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const sign = double < 0 ? '-' : '';
  const point = Number(exponent) + 1; // digits in front of the decimal point
  if (point > 0 && point <= 16) {
    return digits.length <= point
      ? `${sign}${digits.padEnd(point, '0')}.0`
      : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  }
  if (point > -5 && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${mantissa}e${point - 1}`;
}
