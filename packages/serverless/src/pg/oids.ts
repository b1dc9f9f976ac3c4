/** pg-types' `builtins`. */

/** Names, each followed by how much its OID is above the one before; `:` behind names that end in a digit. */
const names =
  'bool16bytea1char1int8:2int2:1int4:2regproc1text1oid1tid1xid1cid1json85xml28pg_node_tree52smgr16path392polygon2ci' +
  'dr46float4:50float8:1abstime1reltime1tinterval1circle14macaddr8:56money16macaddr39inet40aclitem164bpchar9varchar' +
  '1date39time1timestamp31timestamptz70interval2timetz80bit294varbit2numeric138refcursor90regprocedure412regoper1re' +
  'goperator1regclass1regtype1uuid744txid_snapshot20pg_lsn250pg_ndistinct141pg_dependencies41tsvector212tsquery1gts' +
  'vector27regconfig92regdictionary35jsonb33regnamespace287regrole7';

function readNames(): Readonly<Record<string, number>> {
  const oids: Record<string, number> = {};
  let oid = 0;
  for (const [, name = '', above] of names.matchAll(/(\D+\d:|\D+)(\d+)/g)) {
    oid += Number(above);
    oids[name.replace(':', '').toUpperCase()] = oid;
  }
  return oids;
}

export const builtins: Readonly<Record<string, number>> = /* @__PURE__ */ readNames();
