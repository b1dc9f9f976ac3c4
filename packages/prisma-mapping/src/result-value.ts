// The text Postgres sends for a value → what Prisma's runtime takes from a driver adapter (reference/prisma.md §1.3).

import { type ArrayLiteral, decodeBytea, Oid, parseArrayLiteral } from '@postern/wire';
import { dateText, timestampText, timestamptzText, timetzText } from './date-time.ts';

/** Text for what JavaScript has no exact type for: int8, numeric, dates, times, JSON. */
export type ResultValue = string | number | boolean | null | Uint8Array | readonly ResultValue[];

export interface ResultValueOptions {
  /**
   * `array`: plain numbers, the one form that all runtimes from 6.16 take. `view`: Uint8Array, cheaper, from 7.2 on.
   * Default: `array`.
   */
  readonly bytes?: 'array' | 'view' | undefined;
}

/** Turns the text of one value into Prisma's; null stays null without asking. */
export type ValueDecoder = (text: string) => ResultValue;

/** The decoder of a column's type, for every OID: types without rules of their own stay text. */
export function valueDecoder(oid: number, options: ResultValueOptions = {}): ValueDecoder {
  if (oid === Oid.bytea) return bytesDecoder(options);
  if (oid === Oid.byteaArray) return arrayOf(bytesDecoder(options));
  return decoders.get(oid) ?? asText;
}

const asText: ValueDecoder = (text) => text;
const decoders: ReadonlyMap<number, ValueDecoder> = new Map<number, ValueDecoder>([
  [Oid.bool, (text) => text === 't'],
  [Oid.int2, Number],
  [Oid.int4, Number],
  [Oid.float4, float],
  [Oid.float8, float],
  [Oid.money, moneyText],
  [Oid.date, dateText],
  [Oid.timetz, timetzText],
  [Oid.timestamp, timestampText],
  [Oid.timestamptz, timestamptzText],
  [Oid.boolArray, arrayOf((text) => text === 't')],
  [Oid.int2Array, arrayOf(Number)],
  [Oid.int4Array, arrayOf(Number)],
  [Oid.float4Array, arrayOf(float)],
  [Oid.float8Array, arrayOf(float)],
  [Oid.moneyArray, arrayOf(moneyText)],
  [Oid.dateArray, arrayOf(dateText)],
  [Oid.timetzArray, arrayOf(timetzText)],
  [Oid.timestampArray, arrayOf(timestampText)],
  [Oid.timestamptzArray, arrayOf(timestamptzText)],
  ...[
    ...[Oid.int8Array, Oid.oidArray, Oid.numericArray, Oid.charArray, Oid.bpcharArray, Oid.textArray, Oid.varcharArray],
    ...[Oid.nameArray, Oid.bitArray, Oid.varbitArray, Oid.inetArray, Oid.cidrArray, Oid.xmlArray, Oid.regclassArray],
    ...[Oid.regtypeArray, Oid.timeArray, Oid.jsonArray, Oid.jsonbArray, Oid.uuidArray],
  ].map((oid): [number, ValueDecoder] => [oid, arrayOf(asText)]),
]);

/** `NaN`, `Infinity` and `-Infinity` are spelled alike in Postgres and JavaScript. */
function float(text: string): number {
  return Number(text);
}

/** `-$1,234.50`, `1.234,50 €`, `￥1,234` → `-1234.50`, `1234.50`, `1234`: a decimal whatever lc_monetary is. */
function moneyText(text: string): string {
  const sign = /^-|^\(|-$/.test(text.trim()) ? '-' : '';
  const digits = text.replace(/[^\d.,]/g, '');
  const [, whole = digits, fraction = ''] = /^(.*)[.,](\d{1,2})$/.exec(digits) ?? [];
  return `${sign}${whole.replace(/[.,]/g, '')}${fraction === '' ? '' : `.${fraction}`}`;
}

function bytesDecoder({ bytes = 'array' }: ResultValueOptions): ValueDecoder {
  return bytes === 'array' ? (text) => Array.from(decodeBytea(text)) : decodeBytea;
}

function arrayOf(element: ValueDecoder): ValueDecoder {
  const mapElements = (elements: ArrayLiteral): ResultValue =>
    elements.map((item): ResultValue => {
      if (item === null) return null;
      return typeof item === 'string' ? element(item) : mapElements(item);
    });
  return (text) => mapElements(parseArrayLiteral(text));
}
