import { expect, test } from 'vitest';
import { createRequestIds } from './request-ids.ts';

test('UUIDs of version 4, no two of them the same', () => {
  const nextId = createRequestIds();
  const ids = new Set<string>();
  for (let i = 0; i < 140_000; i++) ids.add(nextId());
  expect(ids.size).toBe(140_000);
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect([...ids].filter((id) => !pattern.test(id))).toEqual([]);
  expect(createRequestIds()().slice(0, 32)).not.toBe(nextId().slice(0, 32));
});
