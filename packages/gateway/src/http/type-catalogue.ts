// What is known about types that differ between databases: is an OID an array, and of what? Needed for parsed output
// only. The answers come from pg_type, over the session that ran the statement, and are kept per database.

import { encodeBind, encodeExecute, encodeParse, encodeSync } from '@postern/wire';
import { arrayFormat, builtInFormat, stringFormat, type ValueFormat } from './value-format.ts';

/** Formats by type OID, for one database. */
export interface TypeCatalogue {
  /** undefined: ask the database (`encodeTypeLookup`) and tell `learn`. */
  format(typeOid: number): ValueFormat | undefined;
  /** The answer for `asked`; what is not in `arrays` is no array. */
  learn(asked: Iterable<number>, arrays: readonly ArrayType[]): void;
}

/** One row of the look-up. */
export interface ArrayType {
  readonly typeOid: number;
  readonly elementOid: number;
  /** Byte between elements. */
  readonly delimiter: number;
}

export interface TypeCatalogueOptions {
  /** Types remembered; beyond it everything learned is forgotten. OIDs can come from anybody's CREATE TYPE. */
  readonly maxTypes?: number;
}

export function createTypeCatalogue(options: TypeCatalogueOptions = {}): TypeCatalogue {
  const { maxTypes = 10_000 } = options;
  const learned = new Map<number, ValueFormat>();
  return {
    format: (typeOid) => builtInFormat(typeOid) ?? learned.get(typeOid),
    learn(asked, arrays) {
      if (learned.size >= maxTypes) learned.clear();
      for (const typeOid of asked) learned.set(typeOid, stringFormat);
      for (const { typeOid, elementOid, delimiter } of arrays) learned.set(typeOid, arrayFormat(elementOid, delimiter));
    },
  };
}

/** The catalogues of all databases. */
export interface TypeCatalogues {
  /** The same key gives the same catalogue, until so many others were asked for that it was forgotten. */
  of(databaseKey: string): TypeCatalogue;
}

export function createTypeCatalogues(
  options: TypeCatalogueOptions & { readonly maxDatabases?: number } = {},
): TypeCatalogues {
  const { maxDatabases = 1000 } = options;
  const catalogues = new Map<string, TypeCatalogue>();
  return {
    of(databaseKey) {
      let catalogue = catalogues.get(databaseKey);
      if (catalogue === undefined) {
        for (const oldest of catalogues.keys()) {
          if (catalogues.size < maxDatabases) break;
          catalogues.delete(oldest);
        }
        catalogue = createTypeCatalogue(options);
        catalogues.set(databaseKey, catalogue);
      }
      return catalogue;
    },
  };
}

// Qualified throughout: the caller's search_path must not decide what is called. `typarray` instead of a test on the
// array type itself, because it means the same in every version of Postgres.
const lookupSql =
  'SELECT typarray, oid, typdelim FROM pg_catalog.pg_type ' +
  'WHERE typarray OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])';

/** A segment that asks which of the types are arrays; its rows are read by `decodeArrayType`. */
export function encodeTypeLookup(typeOids: Iterable<number>): Uint8Array[] {
  return [
    encodeParse('', lookupSql),
    encodeBind({ parameters: [`{${[...typeOids].join(',')}}`] }),
    encodeExecute(),
    encodeSync(),
  ];
}

/** One row of the look-up's result. */
export function decodeArrayType(row: readonly (Uint8Array | null)[]): ArrayType {
  const [typeOid, elementOid, delimiter] = row.map((value) => new TextDecoder().decode(value ?? undefined));
  return { typeOid: Number(typeOid), elementOid: Number(elementOid), delimiter: (delimiter || ',').charCodeAt(0) };
}
