import { describe, expect, it } from 'vitest';
import { classifySql, rewritePreparedNames } from './classify.ts';

/** The mentions of a text in short: kind, name, statement. */
function mentions(sql: string): string[] {
  return classifySql(sql).prepared.map((mention) =>
    mention.kind === 'deallocate-all'
      ? `${mention.statement} deallocate-all`
      : `${mention.statement} ${mention.kind} ${mention.name}`,
  );
}

const CASES: readonly (readonly [sql: string, ...mentions: string[]])[] = [
  ['select 1', ...[]],
  ['prepare A as select 1', '0 prepare a'],
  ['prepare "A""b" (int) as select $1', '0 prepare A"b'],
  ['prepare U&"\\0041" as select 1', '0 prepare A'],
  ['prepare Éa as select 1', '0 prepare Éa'],
  [`prepare ${'a'.repeat(64)} as select 1`, `0 prepare ${'a'.repeat(63)}`],
  [`execute "${'a'.repeat(62)}é"`, `0 execute ${'a'.repeat(62)}`],
  [`execute "${'😀'.repeat(16)}"`, `0 execute ${'😀'.repeat(15)}`],
  ['prepare transaction as select 1', '0 prepare transaction'],
  ["prepare transaction 'x'", ...[]],
  ['prepare prepare as select 1', '0 prepare prepare'],
  ['prepare select as select 1', ...[]],
  ['prepare a as listen b', ...[]],
  ['execute a', '0 execute a'],
  ['EXECUTE a(1, 2)', '0 execute a'],
  ['execute"a"(1)', '0 execute a'],
  ['execute U&"!0061" uescape \'!\'', ...[]],
  ['explain execute a', '0 execute a'],
  ['explain analyze verbose execute a(1)', '0 execute a'],
  ['explain (analyze, format json) execute a(1)', '0 execute a'],
  ['create table t as execute a', '0 execute a'],
  ['create temp table if not exists t (a, b) with (x = 1) on commit drop as execute a(1) with no data', '0 execute a'],
  ['explain create unlogged table t as execute a', '0 execute a'],
  ['create view v as execute a', ...[]],
  ['create trigger t before insert on x execute function f()', ...[]],
  ['grant execute on function f to x', ...[]],
  ["select 'execute a'", ...[]],
  ['deallocate a', '0 deallocate a'],
  ['deallocate prepare a', '0 deallocate a'],
  ['deallocate prepare', '0 deallocate prepare'],
  ['deallocate prepare prepare', '0 deallocate prepare'],
  ['deallocate all', '0 deallocate-all'],
  ['deallocate prepare all', '0 deallocate-all'],
  ['deallocate "all"', '0 deallocate all'],
  [
    ';select 1;; prepare a as select 1; execute a; deallocate all; deallocate b',
    '1 prepare a',
    '2 execute a',
    '3 deallocate-all',
    '4 deallocate b',
  ],
];

describe('prepared statements named in SQL', () => {
  for (const [sql, ...expected] of CASES) {
    it(`finds ${expected.join(', ') || 'none'} in ${JSON.stringify(sql.slice(0, 90))}`, () => {
      expect(mentions(sql)).toEqual(expected);
      expect(classifySql(sql).needsReplacement).toBe(expected.length > 0 && !classifySql(sql).deallocatesAll);
    });
  }

  it('takes PREPARE apart', () => {
    const sql = '/* é */ prepare "x" ( int, numeric(1,2)[] ) as /* c */ select $1 /* d */ + 1 -- e\n; select 2';
    const [mention] = classifySql(sql).prepared;
    expect(mention).toEqual({
      kind: 'prepare',
      name: 'x',
      nameStart: 16,
      nameEnd: 19,
      statement: 0,
      types: ' int, numeric(1,2)[] ',
      body: 'select $1 /* d */ + 1',
    });
    expect(classifySql('prepare x as values (1)').prepared).toMatchObject([{ types: undefined, body: 'values (1)' }]);
  });

  it('says where names stand, in UTF-16 units', () => {
    const sql = '/* 😀 */ execute "ü" (1); deallocate ü';
    const places = classifySql(sql).prepared.map((mention) =>
      mention.kind === 'deallocate-all' ? '' : sql.slice(mention.nameStart, mention.nameEnd),
    );
    expect(places).toEqual(['"ü"', 'ü']);
  });
});

describe('rewritePreparedNames', () => {
  const rewritten = (sql: string): string =>
    rewritePreparedNames(sql, classifySql(sql), (name, kind) => `${kind}-${name}"`).sql;

  it('puts quoted names in place of the written ones', () => {
    expect(rewritten('PREPARE a(int)AS select 1; EXECUTE/**/"B"(1); deallocate all; DEALLOCATE c')).toBe(
      'PREPARE "prepare-a"""(int)AS select 1; EXECUTE/**/"execute-B"""(1); deallocate all; DEALLOCATE "deallocate-c"""',
    );
  });

  it('leaves a text that names nothing alone', () => {
    expect(rewritten("select 'execute a'")).toBe("select 'execute a'");
  });

  it('gives a text that names the same again', () => {
    const sql = 'explain analyze execute "a"; create table t as execute "a"; prepare "a" as select 1';
    expect(rewritePreparedNames(sql, classifySql(sql), (name) => name).sql).toBe(sql);
  });
});
