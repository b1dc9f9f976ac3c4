/** Parsers that differ from the official driver's, to be asked for: `types: typeParsers({ bigint: true })`. */
import { parseArray } from './array-literal.ts';
import { addParser, type CustomTypes, createTypes, type TypeParser, types } from './types.ts';

export interface TypeOptions {
  /** int8 and int8[] as `bigint` instead of text. */
  bigint?: boolean;
  /** date, timestamp, timestamptz and their arrays as ISO 8601 texts, with all microseconds, instead of `Date`. */
  isoDates?: boolean;
  /** numeric[] as texts, like numeric itself, instead of rounded numbers. */
  exactNumericArrays?: boolean;
  /**
   * Arrays of enums, domains, composites and of types of extensions as arrays of texts instead of one text. Their OIDs are
   * not known beforehand, so anything of an unknown type that looks like an array literal is taken for one.
   */
  userArrays?: boolean;
  /** By OID; these come first. */
  parsers?: Readonly<Record<number, TypeParser>>;
}

/** OIDs below are Postgres' own. */
const firstUserOid = 16_384;

/** ISO 8601 has neither BC nor infinity: those stay as they are. */
function isoText(text: string): string {
  if (/BC|inf/.test(text)) return text;
  return text
    .replace(' ', 'T')
    .replace(/(T.*)[+-]00$/, '$1Z')
    .replace(/T.*[+-]\d\d$/, '$&:00');
}

/** For the option `types` of a query, a client, a pool or `postern()`. What is not asked for is as in `types`. */
export function typeParsers(options: TypeOptions): CustomTypes {
  const own = createTypes(types);
  if (options.bigint) addParser(own, BigInt, [20], [1016]);
  if (options.isoDates) addParser(own, isoText, [1082, 1114, 1184], [1182, 1115, 1185]);
  if (options.exactNumericArrays) addParser(own, String, [], [1231]);
  for (const [oid, parse] of Object.entries(options.parsers ?? {})) own.setTypeParser(Number(oid), parse);
  return {
    getTypeParser(oid, format) {
      const known = own.getTypeParser(oid, format);
      return options.userArrays && oid >= firstUserOid && known === String && !options.parsers?.[oid]
        ? parseUserType
        : known;
    },
  };
}

function parseUserType(text: string): unknown {
  try {
    return /^(\[[\d:[\]-]+=)?\{.*\}$/s.test(text) ? parseArray(text, String) : text;
  } catch {
    return text; // only looks like one
  }
}
