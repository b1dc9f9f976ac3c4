import { describe, expect, it } from 'vitest';
import { classifySql } from './classify.ts';

describe('constants of the moment', () => {
  it.each([
    `SELECT 'now'::timestamptz`,
    `SELECT timestamp ' Tomorrow '`,
    `INSERT INTO t VALUES ($$today$$)`,
    `SELECT E'yesterday 10:00'::timestamp`,
    `SELECT 'f'::regproc`,
    `SELECT regtype 'kind'`,
    `SELECT 'u'::pg_catalog.REGROLE`,
  ])('%s', (sql) => {
    expect(classifySql(sql).momentary).toBe(true);
  });

  it.each([
    `UPDATE t SET state = 'done', at = now()`,
    'SELECT today FROM calendar',
    `SELECT 'knows', 'nowhere' /* 'now' */`,
    `SELECT nextval('s'), 't'::regclass`,
    'SELECT "now"',
  ])('not %s', (sql) => {
    expect(classifySql(sql).momentary).toBe(false);
  });
});
