import { describe, expect, it } from 'vitest';
import { classifySql } from './classify.ts';

/**
 * All traits of a text in one line, in this order: number of statements unless 1, clean, multiplexable, inspect (f: because
 * of unknown functions only), the functions, permanent, listens, resets, schema, transaction, discards, deallocates, ambiguous.
 */
function shown(sql: string): string {
  const traits = classifySql(sql);
  expect(traits.inspect).toBe(traits.inspectBeyondFunctions || traits.unknownFunctions.length > 0);
  return [
    traits.statements !== 1 && `n=${traits.statements}`,
    traits.clean && 'clean',
    traits.multiplexable && 'mux',
    traits.inspectBeyondFunctions && 'inspect',
    traits.unknownFunctions.length > 0 && `f(${traits.unknownFunctions})`,
    traits.permanent !== undefined && `permanent(${traits.permanent})`,
    traits.listens && 'listens',
    traits.resets && 'resets',
    traits.changesSchema && 'schema',
    traits.mayOpenTransaction && 'tx',
    traits.discardsAll && 'discards',
    traits.deallocatesAll && 'deallocates',
    traits.ambiguous && 'ambiguous',
  ]
    .filter((trait) => trait !== false)
    .join(' ');
}

type Case = readonly [sql: string, traits: string];

const QUERIES: readonly Case[] = [
  ['', 'n=0 clean'],
  [' ; ;; /* ; */ -- ;', 'n=0 clean'],
  ['select 1', 'clean mux'],
  ['SELECT 1;', 'clean mux'],
  ['select', 'clean mux'],
  ['values (1), (2)', 'clean mux'],
  ['table t', 'clean mux'],
  ['(select 1) union all (select 2)', 'clean mux'],
  ['((select 1))', 'clean mux'],
  ['with a as (select 1), b(x, y) as not materialized (select 1, 2) select * from a, b', 'clean mux'],
  ['with recursive r(n) as (values (1) union all select n + 1 from r) select * from r limit 5', 'clean mux'],
  ['with a as (select 1) table a', 'clean mux'],
  ['select * from t where a in (1, 2) and not exists (select 1) or b = any ($1)', 'clean mux'],
  ['select * from t for update skip locked', 'clean mux'],
  ['select * from t for no key update of t', 'clean mux'],
  ['select t.update, 1 as delete from t', 'clean mux'],
  ['select 1; select 2', 'n=2 clean'],
  ['with d as (delete from t returning *) select * from d', 'mux'],
  ['with d as (insert into t(a) values (1) returning a) select a from d', 'mux'],
  ['with d(x) as materialized (update t set (a, b) = (1, 2) returning a) select x from d', 'mux'],
  // SELECT INTO makes a table, of any kind
  ['select * into x from t', 'inspect schema'],
  ['select * into temp x from t', 'inspect schema'],
  ['SELECT 1 INTO TEMPORARY TABLE x', 'inspect schema'],
  ['select 1 insert into temp x', 'inspect schema'],
  ['select 1 as insert into temp x', 'inspect schema'],
  ['with a as (select 1) select 1 merge into temp x', 'inspect schema'],
  ['with a as (select 1) (select 2) insert into temp x', 'inspect schema'],
  ['explain select 1 into temp x', 'inspect schema'],
  ['select 1 as "into", \'into\' temp', 'clean mux'],
  // temporary objects by name
  ['select * from pg_temp.x', 'inspect'],
  ['select * from "pg_temp".x', 'inspect'],
  ['select * from U&"pg\\005ftemp".x', 'inspect'],
  ['select * from pg_temp_3.x', 'inspect'],
  ['insert into PG_TEMP.x values (1)', 'inspect'],
  ["select 'pg_temp.x'", 'clean mux'],
  // the view whose update is SET
  ['select * from pg_settings', 'clean mux'],
  ["update pg_settings set setting = 'x' where name = 'work_mem'", 'inspect resets'],
  ['update pg_catalog."pg_settings" set setting = $1 where name = $2', 'inspect resets'],
  [
    "with u as (update pg_settings set setting = '0' where name = 'seed' returning 1) select 1",
    'inspect permanent(UPDATE pg_settings) resets',
  ],
];

const FUNCTIONS: readonly Case[] = [
  ['select now(), count(*), lower(a), "lower"(b), pg_catalog.lower(c), U&"\\006cower"(d) from t', 'clean mux'],
  ['select LOWER (a), pg_catalog . lower /* */ (b)', 'clean mux'],
  ['select coalesce(a, b), nullif(a, b), greatest(1, 2), cast(a as text), row(1), array[f]', 'clean mux'],
  ['select extract(epoch from now()), substring(a from 1 for 2), trim(both from a), position(a in b)', 'clean mux'],
  ["select current_timestamp(3), interval(3) '1 day', timestamp(3) '2020-01-01'", 'clean mux'],
  ['select a::numeric(10, 2), b::geometry(Point, 4326), c::s.t(1), cast(a as geometry(Point))', 'clean mux'],
  ['select a::character varying(10), b at time zone (c)', 'clean mux'],
  ['select count(*) filter (where a), sum(b) over (partition by (c) order by (d)) from t', 'clean mux'],
  ['select percentile_cont(0.5) within group (order by a) filter (where b) over (w) from t', 'clean mux'],
  ['select a from t group by (a), (b)', 'clean mux'],
  ['select a from t group by grouping sets ((a), ())', 'clean mux'],
  ['select a from t group by rollup (a)', 'clean mux'],
  ['select * from unnest($1) with ordinality u(a, n)', 'clean mux'],
  ['select * from generate_series(1, 2) g(i), json_to_recordset($1) as x(a int, b numeric(1, 2))', 'clean mux'],
  ['select * from (values (1)) v(a) left join (select 1) s(b) on (true) join (select 2) q on true', 'clean mux'],
  ['select * from a left join lateral (select 1) b on (a.x = b.x)', 'clean mux'],
  ['select * from t tablesample bernoulli (10)', 'clean mux'],
  ["select a operator(pg_catalog.~) '^x' from pg_catalog.pg_class c", 'clean mux'],
  ['select * from t fetch first (1) rows only', 'clean mux'],
  ['select (information_schema._pg_expandarray(i.indkey)).n from pg_index i', 'clean mux'],
  ['select a like (b), a ilike (b), left(a, 1), right(a, 1)', 'clean mux'],
  ['select pg_stat_get_numscans(1), pg_is_in_recovery()', 'clean mux'],
  // unknown ones
  ['select f(1)', 'f(f)'],
  ['select F(1), f(2), "F"(3)', 'f(f,F)'],
  ['select s.lower(1)', 'f(lower)'],
  ['select d.pg_catalog.f(1), x.pg_catalog.lower(2)', 'f(f)'],
  ['select * from f(1)', 'f(f)'],
  ['select * from t where f(a)', 'f(f)'],
  ['select lower(f(g(1)))', 'f(f,g)'],
  ['with a as (select f(1)) select 1', 'f(f)'],
  ['select 1 from t group by f(a) having g(b) order by h(c) limit i(1) offset j(2)', 'f(f,g,h,i,j)'],
  ['select /*+ x */ f/* ( */(1)', 'f(f)'],
  ['select f -- (\n (1)', 'f(f)'],
  ['select distinct on (a) f(a) from t', 'f(f)'],
  ['select distinct on (a) over(a) from t', 'f(over)'],
  ['select a is null, f(1) from t', 'f(f)'],
  ['select array[f(1)], x[f(2)], (f(3))', 'f(f)'],
  ['select case when f(1) then g(1) else h(1) end', 'f(f,g,h)'],
  ['select 1 operator(pg_catalog.+) f(1)', 'f(f)'],
  [
    'select filter(1), over(2), sets(3), by(4), materialized(5), conflict(6), operator(7)',
    'f(filter,over,sets,by,materialized,conflict,operator)',
  ],
  ['select * from a join b on conflict(a.x, b.x)', 'f(conflict)'],
  ['select join(a, b)', 'f(join)'],
  [
    'select set(1), insert(2), first(3), zone(4), varying(5), rollup(6), system(7)',
    'f(set,insert,first,zone,varying,rollup,system)',
  ],
  ['select not materialized(1)', 'f(materialized)'],
  ['select "in"(1), "values"(2), "treat"(3)', 'f(in,values,treat)'],
  ['select crosstab1(1)', 'f(crosstab1)'],
  ['select é(1), K(2), \u212a(3)', 'f(é,k,\u212a)'],
  ['select \u017fetseed(1)', 'f(\u017fetseed)'],
  ['select * from t x(a, b)', 'f(x)'],
  ['select query_to_xml_(1), table_to_xml(2)', 'f(query_to_xml_,table_to_xml)'],
  ['insert into t(a, b) values (f(1), 2)', 'f(f)'],
  ['select pg_temp.f(1)', 'inspect f(f)'],
  [`select ${'a'.repeat(70)}(1)`, `f(${'a'.repeat(63)})`],
  [`select ${'é'.repeat(40)}(1)`, `f(${'é'.repeat(31)})`],
  [`select ${Array.from({ length: 64 }, (_, i) => `f${i}(1)`)}`, `f(${Array.from({ length: 64 }, (_, i) => `f${i}`)})`],
  [
    `select ${Array.from({ length: 65 }, (_, i) => `f${i}(1)`)}`,
    `inspect f(${Array.from({ length: 64 }, (_, i) => `f${i}`)})`,
  ],
  // known ones
  ['select pg_advisory_lock(1)', 'inspect'],
  ['select public.pg_advisory_lock(1)', 'inspect'],
  ['select pg_try_advisory_lock_shared(1), pg_advisory_unlock_all()', 'inspect'],
  ['select (1).pg_advisory_lock', 'inspect'],
  ['select x.pg_advisory_lock from generate_series(1, 1) as x', 'inspect'],
  ['select ((1).pg_advisory_lock).x', 'inspect'],
  ['select x."pg_advisory_lock"[1] from x', 'inspect'],
  ['select pg_advisory_xact_lock(1)', 'clean'],
  ['select pg_sleep(1)', 'clean'],
  ["select pg_notify('a', 'b')", 'clean'],
  ["select current_setting('a.b', true)", 'clean'],
  ['select pg_backend_pid()', 'clean'],
  ["select nextval('s')", ''],
  ['select lastval()', ''],
  ['select s.currval from s', ''],
  ['select pg_terminate_backend(1)', ''],
  ['select lo_open(1, 2), loread(1, 2)', ''],
  ["select * from dblink('x', 'select 1') as t(a int)", 'inspect'],
  ["select dblink_connect('x')", 'permanent(dblink_connect)'],
  ["select query_to_xml('select 1', true, true, '')", 'inspect'],
  ["select ts_stat('select 1')", 'inspect'],
  ["select * from crosstab('select 1') as t(a int)", 'inspect'],
  ['select setseed(0.5)', 'permanent(setseed)'],
  ['select pg_catalog."setseed"(0.5)', 'permanent(setseed)'],
  ['select U&"\\0073etseed"(0.5)', 'permanent(setseed)'],
  ['select U&"!0073etseed" UESCAPE \'!\' (0.5)', 'inspect permanent(UESCAPE)'],
  ['select (0.5::float8).setseed', 'permanent(setseed)'],
  ['select treat(0.5 as setseed)', 'inspect permanent(TREAT)'],
  ["select pg_create_logical_replication_slot('a', 'b', true)", 'permanent(pg_create_logical_replication_slot)'],
  ["select pg_replication_origin_session_setup('a')", 'permanent(pg_replication_origin_session_setup)'],
  ['select setseed, nextval from t as setseed(a)', 'clean mux'],
];

const SET_CONFIG: readonly Case[] = [
  ["select set_config('a.b', 'c', true)", 'clean'],
  ["select pg_catalog.set_config('a.b', 'c', TRUE)", 'clean'],
  ["select set_config('a', 'b', 't'), set_config('a'::text, 'b', 'on'::boolean)", 'clean'],
  ["select set_config('a', f($1), true)", 'f(f) resets'],
  ["select set_config('a', $1, true)", 'clean resets'],
  ["select set_config('a', (array['b', 'c'])[1], true)", 'clean resets'],
  ["select set_config('a', 'b', false)", 'inspect'],
  ["select set_config('a', NULL, false)", 'inspect resets'],
  ["select set_config($1, 'b', true)", 'inspect'],
  ["select set_config('a' || 'b', 'b', true)", 'inspect'],
  ["select set_config(E'a', 'b', true)", 'inspect'],
  ["select set_config('a\\b', 'b', true)", 'inspect'],
  ["select set_config('a', 'b', $1)", 'inspect'],
  ["select set_config('a', 'b', 'f')", 'inspect'],
  ["select set_config('a', 'b', not true)", 'inspect'],
  ["select set_config('a', 'b', true and false)", 'inspect'],
  ["select set_config('a', 'b', true::text::bool)", 'inspect'],
  ["select set_config('a', 'b', is_local => true)", 'inspect'],
  ["select set_config('a', 'b', true, 1)", 'inspect resets'],
  ["select set_config('a', 'b')", 'inspect resets'],
  ['select set_config()', 'inspect resets'],
  ["select set_config('seed', '0.5', true)", 'inspect permanent(set_config(seed))'],
  ["select set_config('SEED', '0.5', false)", 'inspect permanent(set_config(seed))'],
  ["SELECT/**/set_config('a','b',false)", 'inspect'],
  ["select \"set_config\"('a','b',false)", 'inspect'],
  ["select U&\"\\0073et_config\"('a','b',false)", 'inspect'],
  ["select U&\"\\+000073et_config\"('a','b',false)", 'inspect'],
  ["select * from pg_catalog.set_config('a','b',false) x", 'inspect'],
  ["select set_config\n--\n('a','b',false)", 'inspect'],
  ["insert into t values (set_config('a','b',false))", 'inspect'],
  ["select 'set_config('", 'clean mux'],
  ["select $$ set_config('a','b',false) $$", 'clean mux'],
  ["select $a$ $$, set_config('a','b',false), $a$", 'clean mux'],
  ["select $a$ $a$, set_config('a','b',false), $$ $$", 'inspect'],
  ["select \"set_config(\", '''set_config('", 'clean mux'],
  ["/* select set_config('a','b',false) */ select 1", 'clean mux'],
  ["/* /* */ select set_config('a','b',false) */ select 1", 'clean mux'],
  ["/* /* */ */ select set_config('a','b',false) /* */", 'inspect'],
  ["-- x\nselect set_config('a','b',false)", 'inspect'],
  ["-- x\rselect set_config('a','b',false)", 'inspect'],
  ["select 1 -- \u2028, set_config('a','b',false)", 'clean mux'],
  ["select E'\\', set_config(''a'',''b'',false), '", 'clean mux'],
  ["select E'\\\\', set_config('a','b',false), ''", 'inspect'],
  ["select E'a'\n'\\', set_config(', 1", 'clean mux'],
];

const WRITES: readonly Case[] = [
  ['insert into t values (1)', 'mux'],
  ['insert into s.t(a, b) select 1, 2 returning id', 'mux'],
  ['insert into t as x(a) values (default)', 'mux'],
  ['insert into "t" ("a", "b") values ($1, $2), ($3, $4) on conflict ("a", "b") do nothing', 'mux'],
  ['insert into t(a) values (1) on conflict (a) where b do update set (a, b) = (1, 2) where t.c', 'mux'],
  ['insert into t(a) select a from x join y using (z) on conflict (a) do update set a = 1', 'mux'],
  ['update t set (a, b) = (1, 2) from u where t.id = u.id', 'mux'],
  ['update only s.t as x set (a, b) = row(1, 2)', 'mux'],
  ['delete from t using u where u.a in (1)', 'mux'],
  ['with a(x) as (select 1) insert into t(a) select x from a', 'mux'],
  [
    'merge into t using (values (1)) s(a) on (t.a = s.a) when matched then update set (a, b) = (1, 2) when not matched then insert (a, b) values (1, 2)',
    'mux',
  ],
  ['merge into t using s on conflict(t.a, s.a) when matched then delete', 'f(conflict)'],
  ["insert into t values (nextval('s'))", ''],
  ['insert into t values (pg_backend_pid())', ''],
  ['truncate t', ''],
  ['copy t from stdin', ''],
  ['copy s.t (a, b) from stdin (format csv)', ''],
  ['copy t to stdout with (format binary)', ''],
  ['copy (select f(1)) to stdout', 'f(f)'],
  ['copy t from stdin where f(a)', 'f(f)'],
  ["copy t from program 'x'", ''],
  ["copy t(a) from stdin where lower(a) = 'x'", ''],
];

const SESSION: readonly Case[] = [
  ['set a = 1', 'inspect'],
  ['SET SESSION a TO 1', 'inspect'],
  ['set session = 1', 'inspect'],
  ['set local a = 1', 'clean'],
  ['set local a.b to 1', 'clean'],
  ['set local role x', 'clean'],
  ['set local session authorization x', 'clean'],
  ['set local session characteristics as transaction read only', 'inspect'],
  ['set local.a = 1', 'inspect'],
  ['set local = 1', 'inspect'],
  ['set local to 1', 'inspect'],
  ['set "local" a = 1', 'inspect'],
  ['set transaction isolation level serializable', 'clean'],
  ["set transaction snapshot 'x'", 'clean'],
  ['set transaction.a = 1', 'inspect'],
  ['set constraints all deferred', 'clean'],
  ['set constraints.x to 1', 'inspect'],
  ['set session transaction read only', 'inspect'],
  ['set session characteristics as transaction read only', 'inspect'],
  ['set role x', 'inspect'],
  ['set role none', 'inspect resets'],
  ["set session authorization 'x'", 'inspect'],
  ['set session authorization default', 'inspect resets'],
  ['set a to default', 'inspect resets'],
  ['set local a to default', 'clean resets'],
  ['set time zone local', 'inspect resets'],
  ["set names 'utf8'", 'inspect'],
  ['set names', 'inspect resets'],
  ['set seed = 0.5', 'inspect permanent(SET seed)'],
  ['set session "Seed" to 0.5', 'inspect permanent(SET seed)'],
  ['set local seed to 0.5', 'inspect permanent(SET seed)'],
  ['set seed.x = 1', 'inspect'],
  ['reset a', 'inspect resets'],
  ['reset all', 'inspect resets'],
  ['reset role', 'inspect resets'],
  ['reset session authorization', 'inspect resets'],
  ['show a', 'clean'],
  ['show all', 'clean'],
  ['listen a', 'inspect listens'],
  ['unlisten *', 'inspect listens'],
  ["notify a, 'b'", 'clean'],
  ['discard all', 'inspect listens resets discards'],
  ['DISCARD /* */ ALL;', 'inspect listens resets discards'],
  ['discard temp', 'inspect'],
  ['discard plans', 'inspect'],
  ['discard all; select 1', 'n=2 inspect listens resets'],
  ["load 'auto_explain'", 'inspect permanent(LOAD)'],
  ['do $$ begin perform 1; end $$', 'inspect schema'],
  ['do $$ begin perform setseed(0); end $$', 'inspect permanent(setseed) schema'],
  ["do language plpgsql 'begin perform SETSEED(0); end'", 'inspect permanent(setseed) schema'],
  ['call p(1)', 'inspect schema'],
  ['call p(setseed(1))', 'inspect permanent(setseed) schema'],
  ['declare c cursor for select 1', 'clean'],
  ['declare c binary insensitive no scroll cursor without hold for select f(1)', 'f(f)'],
  ['declare c cursor with hold for select 1', 'inspect'],
  ['DECLARE "c" SCROLL CURSOR WITH/**/HOLD FOR SELECT 1', 'inspect'],
  ['declare cursor cursor with hold for select 1', 'inspect'],
  ['declare c cursor for delete from t', ''],
  ['declare c select 1', 'inspect schema tx'],
  ['fetch all from c', ''],
  ['move c', ''],
  ['close c', 'inspect'],
  ['lock table t in share mode', 'clean'],
];

const TRANSACTIONS: readonly Case[] = [
  ['begin', 'clean tx'],
  ['BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY', 'clean tx'],
  ['start transaction', 'clean tx'],
  ['start_replication slot a logical 0/0', 'inspect schema tx'],
  ['start x', 'inspect schema tx'],
  ['commit', 'clean tx'],
  ['commit and chain', 'clean tx'],
  ['end', 'clean tx'],
  ['abort', 'clean tx'],
  ['rollback to savepoint a', 'clean tx'],
  ['savepoint a', 'clean tx'],
  ['release a', 'clean tx'],
  ['begin; select 1; commit', 'n=3 clean tx'],
  ['begin; set a = 1; commit', 'n=3 inspect tx'],
  ["prepare transaction 'a'", 'inspect schema tx'],
  ["commit prepared 'a'", 'tx'],
  ["rollback prepared 'a'", 'tx'],
];

const SCHEMA: readonly Case[] = [
  ['create table t (a numeric(10, 2) default f(1))', 'inspect schema'],
  ['create temp table t (a int)', 'inspect schema'],
  ['CREATE TEMPORARY VIEW v AS SELECT 1', 'inspect schema'],
  ['create table pg_temp.x (a int)', 'inspect schema'],
  ['create table t as select setseed(1)', 'inspect permanent(setseed) schema'],
  ['create index on t (lower(a))', 'inspect schema'],
  ['create function f() returns int language sql set a from current as $$ select 1; set b = 2 $$', 'inspect schema'],
  ['create rule r as on insert to t do also (select 1; notify x; select 2)', 'inspect schema'],
  ['alter table t add a int default f(1)', 'inspect schema'],
  ['alter role x set a = 1', 'inspect schema'],
  ['drop table t', 'inspect schema'],
  ['import foreign schema a from server b into c', 'inspect schema'],
  ['refresh materialized view v', 'inspect'],
  ['vacuum (analyze) t', ''],
  ['analyze t(a)', ''],
  ['reindex table t', ''],
  ['cluster t', ''],
  ['checkpoint', ''],
  ['grant execute on function f(int) to x', ''],
  ['revoke all on t from x', ''],
  ["comment on function f(int) is 'x'", ''],
  ["security label on table t is 'x'", ''],
  ['reassign owned by a to b', ''],
  // BEGIN ATOMIC: one statement, and never a harmless one
  ['create function f() returns int begin atomic select 1; select case when true then 2 end; end', 'inspect schema tx'],
  ['create or replace procedure p() begin atomic delete from t; end; set a = 1', 'n=2 inspect schema tx'],
  ['create function f() begin atomic select x.end, 1 as end; select 2; end; select 1', 'n=2 inspect schema tx'],
  ['create function f() begin atomic select 1; listen x', 'inspect schema tx ambiguous'],
  ['create table begin (atomic int); listen x', 'n=2 inspect listens schema'],
  ['begin atomic; select 1; end', 'n=3 clean tx'],
];

const PREPARED: readonly Case[] = [
  ['prepare a as select 1', ''],
  ['prepare a(int) as select f($1)', 'f(f)'],
  ['prepare a as insert into t values (1)', ''],
  ['prepare a as select setseed(1)', 'permanent(setseed)'],
  ['prepare select as select 1', 'inspect schema tx'],
  ['prepare a as listen x', 'inspect schema tx'],
  ['prepare a', 'inspect schema tx'],
  ['execute a', 'inspect'],
  ['execute a(f(1), setseed(2))', 'inspect f(f) permanent(setseed)'],
  ['execute left', 'inspect schema tx'],
  ['deallocate a', ''],
  ['deallocate all', 'deallocates'],
  ['DEALLOCATE PREPARE ALL;', 'deallocates'],
  ['deallocate "all"', ''],
  ['deallocate all; select 1', 'n=2'],
  ['deallocate a b', 'inspect schema tx'],
  ['create table t as execute a', 'inspect schema'],
  ['create table t as select 1 as a, b as execute from x', 'inspect schema'],
];

const EXPLAIN: readonly Case[] = [
  ['explain select 1', 'clean'],
  ['explain insert into t values (1)', 'clean'],
  ['explain verbose delete from t where f(a)', 'f(f)'],
  ['explain (costs off) update t set a = 1', 'clean'],
  ['explain analyze select 1', 'clean'],
  ['explain analyse verbose insert into t values (1)', ''],
  ['explain (verbose, analyze) insert into t values (1)', ''],
  ['explain (analyze false) insert into t values (1)', ''],
  ['explain (select 1)', 'clean'],
  ['explain ((select 1) union (select f(1)))', 'f(f)'],
  ['explain analyze execute a', 'inspect'],
  ['explain (analyze, buffers) create table t as execute a(1)', 'inspect schema'],
  ['explain declare c cursor with hold for select 1', 'inspect'],
  ['explain', 'inspect schema tx'],
  ['explain (', 'inspect schema tx ambiguous'],
  [`${'explain '.repeat(50_000)}select 1`, 'inspect schema tx'],
];

const UNCLEAR: readonly Case[] = [
  ['frobnicate', 'inspect schema tx'],
  ['"select" 1', 'inspect schema tx'],
  ['1', 'inspect schema tx'],
  ['identify_system', 'inspect schema tx'],
  ['frobnicate setseed(1)', 'inspect permanent(setseed) schema tx'],
  ["select 'x", 'inspect schema tx ambiguous'],
  ['select "x', 'inspect schema tx ambiguous'],
  ['select $$x', 'inspect schema tx ambiguous'],
  ['select 1 /* x', 'inspect schema tx ambiguous'],
  ['/*', 'n=0 inspect schema tx ambiguous'],
  ['select (1', 'inspect schema tx ambiguous'],
  ['select 1)', 'inspect schema tx ambiguous'],
  ['select (1; listen x', 'inspect schema tx ambiguous'],
  ['select 1\0; listen x', 'n=2 inspect listens schema tx ambiguous'],
  ["select '\ufffd\\'", 'inspect schema tx ambiguous'],
  // standard_conforming_strings may be off
  ["select '\\'; listen x; --'", 'n=2 inspect listens schema tx ambiguous'],
  ["select 'a\\'", 'inspect schema tx ambiguous'],
  ["select 'a\\\\', 'a\\b'", 'clean mux'],
  ["select n'a\\' ", 'inspect schema tx ambiguous'],
];

const GROUPS: Readonly<Record<string, readonly Case[]>> = {
  queries: QUERIES,
  functions: FUNCTIONS,
  set_config: SET_CONFIG,
  'data changes': WRITES,
  'session state': SESSION,
  transactions: TRANSACTIONS,
  schema: SCHEMA,
  'prepared statements': PREPARED,
  EXPLAIN,
  'what is unclear': UNCLEAR,
};

for (const [group, cases] of Object.entries(GROUPS)) {
  describe(`classifySql: ${group}`, () => {
    for (const [sql, traits] of cases) {
      it(`${JSON.stringify(sql.slice(0, 120))} is ${traits.slice(0, 60) || 'a mere trace'}`, () => {
        expect(shown(sql)).toBe(traits);
      });
    }
  });
}

describe('classifySql', () => {
  it('answers frozen objects', () => {
    const traits = classifySql('prepare a as select f(1)');
    expect([traits, traits.prepared, traits.unknownFunctions].map((object) => Object.isFrozen(object))).toEqual([
      true,
      true,
      true,
    ]);
  });
});

it('custom settings are told by their names, as far as those can be read', () => {
  const read = (sql: string): unknown[] => {
    const { customSettings, settingParameters, computesSettings } = classifySql(sql);
    return [[...customSettings], [...settingParameters], computesSettings];
  };
  expect(read('SET a.b = 1; SET SESSION "A"."b c".d TO 2')).toEqual([['a.b', 'A.b c.d'], [], false]);
  expect(read('SET LOCAL a.b = 1; SET work_mem = 1; SET TIME ZONE 1')).toEqual([[], [], false]);
  expect(read("SELECT set_config('a.b', t.c, false), set_config('work_mem', $3, false)")).toEqual([['a.b'], [], false]);
  expect(read('SELECT set_config($1, $2, false), set_config($3::text, $4, $5)')).toEqual([[], [1, 3], false]);
  expect(read("SELECT set_config('a.b', $1, true)")).toEqual([[], [], false]);
  expect(read("SELECT set_config('a.' || b, c, false)")).toEqual([[], [], true]);
  expect(read("SELECT set_config('a.' || b, c, true), set_config($1, $2, true)")).toEqual([[], [], false]);
  expect(read("DO $$ BEGIN PERFORM set_config('a.' || b, c, true); END $$")).toEqual([[], [], false]);
  expect(read("DO $$ BEGIN EXECUTE 'SET a.' || b || ' = 1'; END $$")).toEqual([[], [], true]);
  expect(read("DO $$ BEGIN PERFORM set_config('a.b', c, false); EXECUTE 'ALTER TABLE t SET (a = 1)'; END $$")).toEqual([
    [],
    [],
    false,
  ]);
});
