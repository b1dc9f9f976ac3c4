import { describe, expect, it } from 'vitest';
import { traitsOfLargeText } from './large-text.ts';

const rows = `(1, 'a value'),`.repeat(50_000);

describe('large texts', () => {
  it('are not read: after them Postgres is asked', () => {
    expect(traitsOfLargeText(`INSERT INTO t VALUES ${rows}(2, '')`)).toMatchObject({ clean: false, inspect: true });
  });

  it.each(['EXECUTE s', `SELECT SetSeed(0.1)`, `LOAD 'plpgsql'`, 'PREPARE s AS SELECT 1', 'DISCARD ALL'])(
    'are read where %s may be among them',
    (sql) => {
      expect(traitsOfLargeText(`INSERT INTO t VALUES ${rows}(2, ''); ${sql}`)).toBeUndefined();
    },
  );

  it('of a usual length are read', () => {
    expect(traitsOfLargeText('INSERT INTO t VALUES (1)')).toBeUndefined();
  });
});
