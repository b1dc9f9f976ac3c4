import { describe, expect, it } from 'vitest';
import { classifySql, rewritePreparedNames, type SqlTraits } from './classify.ts';
import { createRandom, type Random, randomGarbage } from './random-sql.fixture.ts';
import { TokenKind, tokenize } from './tokenize.ts';

/** One text of each kind; the properties hold for all of them. */
const TEXTS: readonly string[] = [
  'select 1',
  'select a.b, f(c), "G"(d), s . h (e), lower(x) from t as u(a, b) where x in (1, 2)',
  "select set_config('a', 'b', true), set_config('c', $1, false)",
  "select set_config('seed', '1', true), U&\"\\0073etseed\" (1)",
  'with a(x) as not materialized (select 1), b as (delete from t returning *) insert into t(a) select x from a',
  'select 1 insert into temp x',
  "insert into t(a, b) values (1, E'\\''), (2, $$;$$) on conflict (a) do update set (a, b) = (3, 4)",
  'update only s.t as x set (a, b) = (1, 2) where a = any ($1)',
  'merge into t using s on (t.a = s.a) when not matched then insert (a) values (1)',
  'select count(*) filter (where a) over (partition by (b)) from unnest(c) with ordinality u(v, n)',
  'select x::numeric(10, 2), cast(y as z(1)), (1).pg_advisory_lock, treat(1 as setseed)',
  'copy s.t (a, b) from stdin (format csv)',
  'prepare "A" (int, text) as select f($1, $2); execute "A"(1, g(2)); deallocate prepare "A"; deallocate all',
  'explain (analyze, verbose) create temp table x as execute y (1)',
  'set local a to 1; set local.a = 1; set session characteristics as transaction read only; set b to default',
  'begin; savepoint a; rollback to a; commit; listen x; unlisten *; notify y',
  "declare c cursor with hold for select 1; fetch c; close c; discard all; reset all; load 'x'",
  'create function f() returns int begin atomic select case when true then 1 end; end; select 2',
  'do $$ begin perform setseed(1); end $$; call p(1); frobnicate',
];

/** Traits without what a change of spacing may change: offsets and the text of a PREPARE. */
function essence(traits: SqlTraits): unknown {
  const prepared = traits.prepared.map((mention) =>
    mention.kind === 'deallocate-all'
      ? mention
      : { kind: mention.kind, name: mention.name, statement: mention.statement },
  );
  return { ...traits, prepared };
}

const SPACES: readonly string[] = [
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\f',
  '/**/',
  '/* ; */',
  "/* ' */",
  '/* /* " */ $$ */',
  "-- ; '\n",
  '--\r',
];

/** The tokens of `sql` with other space and comments between them. */
function respaced(sql: string, random: Random): string {
  const tokens = tokenize(sql);
  let result = '';
  for (let i = 0; i < tokens.count; i++) {
    result += sql.slice(tokens.starts[i], tokens.ends[i]);
    for (let n = random.below(3) + 1; n > 0; n--) result += random.pick(SPACES);
  }
  return result;
}

/** The unquoted words of `sql` in other case. */
function recased(sql: string, random: Random): string {
  const tokens = tokenize(sql);
  let result = '';
  let from = 0;
  for (let i = 0; i < tokens.count; i++) {
    if (tokens.kinds[i] !== TokenKind.word) continue;
    result += sql.slice(from, tokens.starts[i]);
    for (const letter of sql.slice(tokens.starts[i], tokens.ends[i])) {
      result += random.below(2) === 0 ? letter.toUpperCase() : letter.toLowerCase();
    }
    from = tokens.ends[i]!;
  }
  return result + sql.slice(from);
}

describe('classifySql, whatever the text', () => {
  it('does not depend on space, comments or the case of words', () => {
    const random = createRandom();
    for (const sql of TEXTS) {
      const expected = essence(classifySql(sql));
      for (let round = 0; round < 100; round++) {
        const other = round % 2 === 0 ? respaced(sql, random) : recased(sql, random);
        expect(essence(classifySql(other)), `seed ${random.seed}: ${other}`).toEqual(expected);
      }
    }
  });

  it('never finds two texts together less dangerous than either', () => {
    const severity = (traits: SqlTraits): Record<string, boolean> => ({
      unclean: !traits.clean,
      inspect: traits.inspect,
      beyond: traits.inspectBeyondFunctions,
      permanent: traits.permanent !== undefined,
      listens: traits.listens,
      resets: traits.resets,
      schema: traits.changesSchema,
      transaction: traits.mayOpenTransaction,
      ambiguous: traits.ambiguous,
    });
    for (const first of TEXTS) {
      for (const second of TEXTS) {
        const [one, other, both] = [first, second, `${first};${second}`].map((sql) => severity(classifySql(sql)));
        for (const trait of Object.keys(both!)) {
          expect(both![trait], `${trait} of ${first};${second}`).toBe(one![trait]! || other![trait]!);
        }
      }
    }
  });

  it('survives any garbage, with sensible answers', () => {
    const random = createRandom();
    for (let round = 0; round < 20_000; round++) {
      const sql = randomGarbage(random, 25);
      const traits = classifySql(sql);
      const label = `seed ${random.seed}: ${JSON.stringify(sql)}`;
      if (traits.clean && traits.inspect) expect.fail(`clean and inspect: ${label}`);
      if (traits.multiplexable && (traits.inspect || traits.mayOpenTransaction)) expect.fail(`multiplexable: ${label}`);
      if (traits.ambiguous && (traits.clean || !traits.inspect)) expect.fail(`ambiguous: ${label}`);
      if (traits.permanent !== undefined && traits.clean) expect.fail(`permanent: ${label}`);
      // Exactly the names are replaced (by "x"), however long they were: Postgres and we truncate them.
      const replaced = traits.prepared.filter((mention) => mention.kind !== 'deallocate-all');
      const named = replaced.reduce((sum, { nameStart, nameEnd }) => sum + nameEnd - nameStart, 0);
      if (rewritePreparedNames(sql, traits, () => 'x').sql.length !== sql.length - named + 3 * replaced.length) {
        expect.fail(`rewritten: ${label}`);
      }
    }
  });

  it('takes linear time for texts made to defeat it', () => {
    // Quadratic behaviour would need minutes here; no clock is read.
    const size = 200_000;
    for (const piece of [
      "'a'\n",
      '$a',
      '$a$b',
      '/*',
      '(',
      'a.',
      'a.f(',
      'with ',
      'with a as (',
      'update a.',
      'copy from stdin ',
    ]) {
      classifySql(`select ${piece.repeat(size)}`);
    }
    for (const piece of ['execute ', 'set ', 'set_config(']) {
      classifySql(`do $$${piece.repeat(size)}, true)$$`);
    }
    classifySql('set a=1;'.repeat(size));
    classifySql(`with ${'a as (select 1),'.repeat(size)}b as (select 1) select 1`);
    classifySql(`select ${'set_config('.repeat(size)}${')'.repeat(size)}`);
  });
});
