import { expect, test } from 'vitest';
import { classifySql } from './classify.ts';

test.each<[sql: string, names: string[]]>([
  ['SELECT 1', []],
  ['SELECT now()', []],
  ['VALUES (1)', []],
  ['TABLE t', ['t']],
  ['SELECT a FROM t', ['select', 'a', 't']],
  ['SELECT * FROM s."My ""T""" x', ['select', 's', 'My "T"', 'x']],
  ['SELECT 1 WHERE EXISTS (SELECT FROM U&"\\0074")', ['select', 'where', 'exists', 't']],
  ["SELECT 'from t', $$ FROM t $$ -- FROM t", []],
  // As Postgres folds it with an encoding of many bytes per character, and with one of one.
  ['SELECT * FROM ÄÖ', ['select', 'ÄÖ', 'äö']],
  [`SELECT * FROM ${'t'.repeat(70)}`, ['select', 't'.repeat(63)]],
  // Not to be shared anyway.
  ['DELETE FROM t', ['delete', 't']],
  ['SELECT f() FROM t', []],
])('names of relations that %s may read', (sql, names) => {
  expect(classifySql(sql).names).toEqual(names);
});
