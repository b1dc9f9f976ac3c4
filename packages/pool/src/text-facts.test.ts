import { decodeText, encodeText } from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { classifySql } from './sql/classify.ts';
import { createFactsOfTexts, type TextFacts, writeShape } from './text-facts.ts';

function shapeOf(sql: string): string {
  const bytes = encodeText(`xx${sql}yy`);
  const target = new Uint8Array(bytes.length);
  return decodeText(target.subarray(0, writeShape(bytes, 2, bytes.length - 2, target)));
}

function createFacts(maxShapes = 100): { of(sql: string): TextFacts; readonly classified: string[] } {
  const classified: string[] = [];
  const facts = createFactsOfTexts({
    maxShapes,
    classify(sql) {
      classified.push(sql);
      return classifySql(sql);
    },
  });
  return {
    classified,
    of(sql) {
      const bytes = encodeText(`xx${sql}yy`);
      return facts.of(bytes, 2, bytes.length - 2);
    },
  };
}

describe('the shape of a text', () => {
  test.each([
    ['select 1', 'select 0'],
    ['select 4711, 42', 'select 0, 0'],
    ['7', '0'],
    ["set x to '12'", "set x to '0'"],
    // Parts of names, parameters, escapes and fractions stay.
    ['select a1, $2, t12.c34 from b5', 'select a1, $2, t12.c34 from b5'],
    ['select 12.50, .25, 1e5, 0x1f', 'select 0.50, .25, 1e5, 0x1f'],
    [String.raw`select E'\101'`, String.raw`select E'\101'`],
    ['select 12ä, ä12', 'select 12ä, ä12'],
  ])('%s → %s', (sql, shape) => {
    expect(shapeOf(sql)).toBe(shape);
  });

  test('is what a regular expression would make of it', () => {
    const alphabet = ['0', '1', '29', '.', '$', '\\', '_', 'a', 'E', ' ', "'", '"', '-', 'é', '日', '\n'];
    let seed = 20_261_130;
    const next = (limit: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % limit;
    };
    for (let round = 0; round < 5_000; round++) {
      const sql = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join('');
      expect(shapeOf(sql), sql).toBe(sql.replace(/(?<![\w$\\.\u0080-\uffff])\d+(?![\w$\u0080-\uffff])/g, '0'));
    }
  });
});

describe('facts', () => {
  test('are found once for texts that differ in numbers only', () => {
    const { of, classified } = createFacts();
    const facts = of('select * from t where id = 1');
    expect(of('select * from t where id = 22')).toBe(facts);
    expect(of('select * from t where ix = 1')).not.toBe(facts);
    expect(classified).toEqual(['select * from t where id = 0', 'select * from t where ix = 0']);
  });

  test('are exact where names of prepared statements have places', () => {
    const { of } = createFacts();
    const places = (sql: string): number[] =>
      of(sql).traits.prepared.map((mention) => (mention.kind === 'deallocate-all' ? -1 : mention.nameStart));
    expect(places('execute s (1)')).toEqual([8]);
    expect(places('select 1; execute s')).toEqual([18]);
    expect(places('select 1234; execute s')).toEqual([21]);
    expect(places('select 1; execute s')).toEqual([18]);
  });

  test('of texts in use stay, those of others are forgotten', () => {
    const { of, classified } = createFacts(20);
    const used = of('select used');
    of('select unused');
    for (let index = 0; index < 200; index++) {
      of(`select c${index}`);
      expect(of('select used')).toBe(used);
    }
    classified.length = 0;
    of('select unused');
    expect(classified).toEqual(['select unused']);
  });

  test.each([
    ['create view v as select 1', true],
    ['begin; alter table t add c int; commit', true],
    ["do $$ begin execute 'drop table t'; end $$", true],
    ['create temp table x (a int); drop view v', true],
    ['create temp table x on commit drop as select 1', false],
    ['create or replace local temporary view x as select 1', false],
    ['call p()', false],
    ['select \'create\', "drop" from t', false],
  ])('of what changes the schema for others: %s', (sql, changesSchema) => {
    expect(createFacts().of(sql).changesSchema).toBe(changesSchema);
  });

  test.each([
    ['select 1 from t for no key update', true],
    ['SELECT 1 FROM t FOR SHARE; select 2', true],
    ['select substring(a for 2) from t; select 2 share', false],
    ["select share from t where x = 'for'", false],
    ['update t set a = 1', true],
  ])('of what may wait for locks on rows: %s', (sql, locksRows) => {
    expect(createFacts().of(sql).locksRows).toBe(locksRows);
  });

  test('of a text made to defeat it are found in linear time', () => {
    // Quadratic behaviour would need minutes here; no clock is read.
    expect(createFacts().of(`select '${'for '.repeat(120_000)}'`).locksRows).toBe(false);
  });

  test('of very long texts are not remembered', () => {
    const { of } = createFacts();
    const sql = `select '${'x'.repeat(20_000)}'`;
    expect(of(sql)).not.toBe(of(sql));
    expect(of(sql).traits.clean).toBe(true);
  });
});
