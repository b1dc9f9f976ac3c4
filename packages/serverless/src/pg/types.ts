/** pg-types, whole: the parsers of this program, and what only node-postgres' users know of. */
import { parseArray } from '../values/array-literal.ts';
import { type CustomTypes, createTypes, type TypeParser, type Types, types } from '../values/types.ts';
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

function overrideTypes(given: CustomTypes = types): Types {
  return createTypes(given);
}

/** `new TypeOverrides()`: the parsers of this program, above which others can be set. */
export const TypeOverrides = overrideTypes as unknown as new (given?: CustomTypes) => Types; // it returns an object of its own
