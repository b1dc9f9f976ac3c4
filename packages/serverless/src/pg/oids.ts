/** pg-types' `builtins`. */

/** Names, each followed by how much its OID is above the one before; `:` behind names that end in a digit. */
const names =
  'BOOL16BYTEA1CHAR1INT8:2INT2:1INT4:2REGPROC1TEXT1OID1TID1XID1CID1JSON85XML28PG_NODE_TREE52SMGR16PATH392POLYGON2CI' +
  'DR46FLOAT4:50FLOAT8:1ABSTIME1RELTIME1TINTERVAL1CIRCLE14MACADDR8:56MONEY16MACADDR39INET40ACLITEM164BPCHAR9VARCHAR' +
  '1DATE39TIME1TIMESTAMP31TIMESTAMPTZ70INTERVAL2TIMETZ80BIT294VARBIT2NUMERIC138REFCURSOR90REGPROCEDURE412REGOPER1RE' +
  'GOPERATOR1REGCLASS1REGTYPE1UUID744TXID_SNAPSHOT20PG_LSN250PG_NDISTINCT141PG_DEPENDENCIES41TSVECTOR212TSQUERY1GTS' +
  'VECTOR27REGCONFIG92REGDICTIONARY35JSONB33REGNAMESPACE287REGROLE7';

function readNames(): Readonly<Record<string, number>> {
  const oids: Record<string, number> = {};
  let oid = 0;
  for (const [, name = '', above] of names.matchAll(/([A-Z_]+(?:\d:)?)(\d+)/g)) {
    oid += Number(above);
    oids[name.replace(':', '')] = oid;
  }
  return oids;
}

export const builtins: Readonly<Record<string, number>> = /* @__PURE__ */ readNames();
