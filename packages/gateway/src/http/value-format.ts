// Which JSON a Postgres type becomes when values are parsed (no `Neon-Raw-Text-Output`): reference/neon-wire.md §1.7.
// Everything that JSON numbers could damage (int8, numeric, dates …) stays a string, as does every type not named here.

/** How the text of a value is turned into JSON (parsed-values.ts). */
export type ValueFormat =
  | { readonly kind: 'string' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer' }
  | { readonly kind: 'float' }
  | { readonly kind: 'json' }
  /** `delimiter` is the byte between elements: a comma for all types but box. */
  | { readonly kind: 'array'; readonly element: ValueFormat; readonly delimiter: number };

/** Every value as a string. */
export const stringFormat: ValueFormat = { kind: 'string' };

const comma = 0x2c;
const semicolon = 0x3b;

const scalars: ReadonlyMap<number, ValueFormat> = new Map<number, ValueFormat>([
  [16, { kind: 'boolean' }], // bool
  [21, { kind: 'integer' }], // int2
  [23, { kind: 'integer' }], // int4
  [700, { kind: 'float' }], // float4
  [701, { kind: 'float' }], // float8
  [114, { kind: 'json' }], // json
  [3802, { kind: 'json' }], // jsonb
]);

/** Array types whose elements are not strings: array OID → element OID. */
const arraysOfScalars: ReadonlyMap<number, number> = new Map([
  [1000, 16],
  [1005, 21],
  [1007, 23],
  [1021, 700],
  [1022, 701],
  [199, 114],
  [3807, 3802],
]);

/** All other array types of pg_type.dat with an OID that is the same in every cluster (Postgres 18). */
const arraysOfStrings: ReadonlySet<number> = new Set([
  143, 210, 270, 271, 272, 273, 629, 651, 719, 775, 791, 1001, 1002, 1003, 1006, 1008, 1009, 1010, 1011, 1012, 1013,
  1014, 1015, 1016, 1017, 1018, 1019, 1027, 1028, 1034, 1040, 1041, 1115, 1182, 1183, 1185, 1187, 1231, 1263, 1270,
  1561, 1563, 2201, 2207, 2208, 2209, 2210, 2211, 2287, 2949, 2951, 3221, 3643, 3644, 3645, 3735, 3770, 3905, 3907,
  3909, 3911, 3913, 3927, 4073, 4090, 4097, 4192, 5039, 6150, 6151, 6152, 6153, 6155, 6157,
]);

const boxArray = 1020;

/** OIDs from here on are given out by each cluster: initdb's (catalogue row types) and, from 16384, users'. */
const firstUnstableOid = 10_000;

/** The format of a type with a fixed OID; undefined when only the database can tell whether it is an array. */
export function builtInFormat(typeOid: number): ValueFormat | undefined {
  const scalar = scalars.get(typeOid);
  if (scalar) return scalar;
  const elementOid = arraysOfScalars.get(typeOid);
  if (elementOid !== undefined) return arrayFormat(elementOid, comma);
  if (arraysOfStrings.has(typeOid)) return arrayFormat(0, comma);
  if (typeOid === boxArray) return arrayFormat(0, semicolon);
  return typeOid < firstUnstableOid ? stringFormat : undefined;
}

/** An array whose elements are of the given type; a type that is not built in counts as a string. */
export function arrayFormat(elementOid: number, delimiter: number): ValueFormat {
  return { kind: 'array', element: scalars.get(elementOid) ?? stringFormat, delimiter };
}
