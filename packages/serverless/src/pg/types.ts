/** pg-types, whole: the parsers of this program, and what only node-postgres' users know of. */
import { parseArray } from '../values/array-literal.ts';
import { type TypeParser, type Types, types } from '../values/types.ts';
import { builtins } from './oids.ts';

export interface PgTypes extends Types {
  arrayParser: { create(text: string, parse?: TypeParser): { parse(): unknown[] } };
  /** Names to OIDs. */
  builtins: Readonly<Record<string, number>>;
}

export const pgTypes: PgTypes = /* @__PURE__ */ Object.assign({}, types, {
  arrayParser: {
    create: (text: string, parse: TypeParser = String) => ({ parse: () => parseArray(text, parse) }),
  },
  builtins,
});
