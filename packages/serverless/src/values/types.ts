/** Text of Postgres values → JS values, by the OID of the type, as `pg-types` 2 does it. */
import { parseArray } from './array-literal.ts';
import { parseBytea } from './bytes.ts';
import { parseDate } from './date.ts';
import { PostgresInterval } from './interval.ts';

/** Reads a value that is not NULL. */
export type TypeParser<Value = unknown> = (text: string) => Value;

/** Where the parser of a type comes from: `types`, what `typeParsers` returns, or your own. */
export interface CustomTypes {
  getTypeParser(oid: number, format?: 'text' | 'binary'): TypeParser;
}

/** The heart of pg-types. */
export interface Types extends CustomTypes {
  /** For all queries of this program. */
  setTypeParser(oid: number, parser: TypeParser): void;
  setTypeParser(oid: number, format: 'text' | 'binary', parser: TypeParser): void;
}

export function parseInteger(text: string): number {
  return Number.parseInt(text, 10);
}

function parsePoint(text: string): { x: number; y: number } {
  const [x = '', y = ''] = text.slice(1, -1).split(',');
  return { x: Number.parseFloat(x), y: Number.parseFloat(y) };
}

function parseCircle(text: string): { x: number; y: number; radius: number } {
  const end = text.indexOf(')') + 1;
  return { ...parsePoint(text.slice(1, end)), radius: Number.parseFloat(text.slice(end + 1)) };
}

/** Type, its OID, the OID of its array. 0: left as text. */
const scalars: readonly (readonly [TypeParser, ...(readonly (readonly [scalar: number, array: number])[])])[] = [
  [(text) => /^(t|true|y|yes|on|1)$/i.test(text), [16, 1000]],
  [parseBytea, [17, 1001]],
  [parseInteger, [21, 1005], [23, 1007], [26, 1028]],
  [Number.parseFloat, [700, 1021], [701, 1022], [0, 1231]],
  [parseDate, [1082, 1182], [1114, 1115], [1184, 1185]],
  [(text) => new PostgresInterval(text), [1186, 1187]],
  [parsePoint, [600, 1017]],
  [parseCircle, [718, 0]],
  [(text) => JSON.parse(text) as unknown, [114, 199], [3802, 3807]],
];
/** Arrays of what stays text: int8, text, varchar, bpchar, regproc, uuid, inet, … as pg-types lists them. */
const textArrays = [651, 791, 1008, 1009, 1014, 1015, 1016, 1040, 1041, 1183, 1270, 2951, 3907];

function createTypes(): Types {
  const parsers: Record<'text' | 'binary', Map<number, TypeParser>> = { text: new Map(), binary: new Map() };
  const { text } = parsers;
  const arrayOf =
    (parse: TypeParser): TypeParser =>
    (literal) =>
      parseArray(literal, parse);
  for (const [parse, ...oids] of scalars) {
    for (const [scalar, array] of oids) {
      text.set(scalar, parse);
      text.set(array, arrayOf(parse));
    }
  }
  text.delete(0);
  for (const oid of textArrays) text.set(oid, arrayOf(String));
  return {
    getTypeParser: (oid, format = 'text') => parsers[format]?.get(oid) ?? String,
    setTypeParser(oid: number, format: 'text' | 'binary' | TypeParser, parser?: TypeParser) {
      if (typeof format === 'function') text.set(oid, format);
      else if (parser) parsers[format].set(oid, parser);
    },
  };
}

/** The parsers of this program: global, as node-postgres has it. */
export const types: Types = /* @__PURE__ */ createTypes();
