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

/** A parser, the OIDs of its types, and the OIDs of arrays of them. */
const builtIn: readonly (readonly [TypeParser, scalars: readonly number[], arrays: readonly number[]])[] = [
  [(text) => /^[ty1]|^on/i.test(text), [16], [1000]],
  [parseBytea, [17], [1001]],
  [Number, [21, 23, 26, 700, 701], [1005, 1007, 1028, 1021, 1022, 1231]],
  [parseDate, [1082, 1114, 1184], [1182, 1115, 1185]],
  [(text) => new PostgresInterval(text), [1186], [1187]],
  [
    (text) => {
      // A circle has three numbers.
      const [, x, y, radius] = text.split(/[<(,)>]+/).map(Number);
      return text[0] === '<' ? { x, y, radius } : { x, y };
    },
    [600, 718],
    [1017],
  ],
  [(text) => JSON.parse(text) as unknown, [114, 3802], [199, 3807]],
  // int8, text, varchar, bpchar, regproc, uuid, inet, … as pg-types lists them.
  [String, [], [651, 791, 1008, 1009, 1014, 1015, 1016, 1040, 1041, 1183, 1270, 2951, 3907]],
];

/** Sets a parser for these types and for arrays of them. */
export function addParser(to: Types, parse: TypeParser, scalars: readonly number[], arrays: readonly number[]): void {
  for (const oid of scalars) to.setTypeParser(oid, parse);
  for (const oid of arrays) to.setTypeParser(oid, (text) => parseArray(text, parse));
}

/** Own parsers above those of `below`. */
export function createTypes(below?: CustomTypes): Types {
  const parsers = new Map<string, TypeParser | undefined>();
  return {
    getTypeParser: (oid, format = 'text') => parsers.get(format + oid) ?? below?.getTypeParser(oid, format) ?? String,
    setTypeParser(oid: number, format: 'text' | 'binary' | TypeParser, parser?: TypeParser) {
      if (typeof format === 'function') parsers.set(`text${oid}`, format);
      else parsers.set(format + oid, parser);
    },
  };
}

function createBuiltIn(): Types {
  const created = createTypes();
  for (const parser of builtIn) addParser(created, ...parser);
  return created;
}

/** The parsers of this program: global, as node-postgres has it. */
export const types: Types = /* @__PURE__ */ createBuiltIn();
