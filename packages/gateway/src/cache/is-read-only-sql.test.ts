import { expect, test } from 'vitest';
import { isReadOnlySql } from './is-read-only-sql.ts';

test.each([
  'SELECT 1',
  '  -- comment\n /* another */ select updated_at from t ;',
  'WITH a AS (SELECT 1) SELECT * FROM a',
  'TABLE t',
  'VALUES (1)',
  '(SELECT 1) UNION (SELECT 2)',
  'SHOW timezone',
  '/* /* nested */ */ SELECT 1 ; ;\n',
])('reads: %s', (sql) => {
  expect(isReadOnlySql(sql)).toBe(true);
});

test.each([
  '',
  'INSERT INTO t VALUES (1)',
  'WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a',
  'SELECT 1; DROP TABLE t',
  'SELECT * INTO u FROM t',
  'SELECT * FROM t FOR UPDATE',
  'SELECT * FROM t FOR  NO KEY UPDATE',
  'SELECT * FROM t FOR SHARE',
  `SELECT nextval('s')`,
  `SELECT pg_advisory_lock(1)`,
  'EXPLAIN ANALYZE DELETE FROM t',
  '-- ends here\rTRUNCATE t --\nSELECT 1',
  'SET x = 1',
  'BEGIN',
  `SELECT 'delete'`, // careful, not clever
])('does not only read, or may not: %s', (sql) => {
  expect(isReadOnlySql(sql)).toBe(false);
});

test('a text made to defeat it is looked at in linear time', () => {
  // Quadratic behaviour would need minutes here; no clock is read.
  expect(isReadOnlySql(`SELECT 1${' '.repeat(500_000)}+ 1`)).toBe(true);
});
