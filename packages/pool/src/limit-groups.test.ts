import { expect, test } from 'vitest';
import { createLimitGroups } from './limit-groups.ts';
import type { Pool } from './pool.ts';

test('a group is forgotten when it has no session any more, not before', () => {
  const pool = { size: 5 } as Pool; // all that is asked of it
  const groups = createLimitGroups(undefined);
  const group = groups.find(pool, 1, 'web')!;
  expect(groups.find(pool, 1, 'web')).toBe(group);
  group.sessions--;
  groups.sweep(pool);
  expect(groups.find(pool, 1, 'web')).toBe(group);
  group.sessions -= 2;
  groups.sweep(pool);
  expect(groups.find(pool, 1, 'web')).not.toBe(group);
  expect(groups.find(pool, 5, 'web')).toBeUndefined();
});
