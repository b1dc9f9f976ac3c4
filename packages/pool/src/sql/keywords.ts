/**
 * Keywords as Postgres classes them (pg_get_keywords(), those on which versions 15 and 18 agree). A keyword that only one
 * of them knows is treated as an ordinary name, which is the careful answer.
 */

/** Reserved words and those that can be a column but not a function: what stands before "(" is syntax, not a call. */
const NEVER_A_FUNCTION = `
all analyse analyze and any array as asc asymmetric between bigint bit boolean both case cast char character check
coalesce collate column constraint create current_catalog current_date current_role current_time current_timestamp
current_user dec decimal default deferrable desc distinct do else end except exists extract false fetch float for
foreign from grant greatest group grouping having in initially inout int integer intersect interval into lateral
leading least limit localtime localtimestamp national nchar none normalize not null nullif numeric offset on only or
order out overlay placing position precision primary real references returning row select session_user setof
smallint some substring symmetric table then time timestamp to trailing treat trim true union unique user using
values varchar variadic when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces
xmlparse xmlpi xmlroot xmlserialize xmltable
`;

/** Words that cannot be the name of a prepared statement or cursor unless quoted. */
const NEVER_A_NAME = `
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric table tablesample then to trailing true union unique user
using variadic verbose when where window with
`;

/** Whether `word` (folded, unquoted) followed by "(" is a construct of the grammar and never a function call. */
export function isNeverFunction(word: string): boolean {
  return neverFunctions.has(word);
}

/** Whether `word` (folded, unquoted) is refused by Postgres where the grammar wants a ColId. */
export function isNeverName(word: string): boolean {
  return neverNames.has(word);
}

const neverFunctions: ReadonlySet<string> = new Set(NEVER_A_FUNCTION.trim().split(/\s+/));
const neverNames: ReadonlySet<string> = new Set(NEVER_A_NAME.trim().split(/\s+/));
