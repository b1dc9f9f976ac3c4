import { expect, test } from 'vitest';
import type { ServerConnection } from './server-connection.ts';
import { ServerSet } from './server-set.ts';

/** As much of a connection as a set needs. */
function server(): ServerConnection {
  return { place: 0 } as ServerConnection;
}

test('What was added is there until it is deleted, in whatever order', () => {
  const set = new ServerSet();
  const [a, b, c] = [server(), server(), server()];
  for (const one of [a, b, c]) set.add(one);
  expect(new Set(set)).toEqual(new Set([a, b, c]));
  expect(set.delete(a)).toBe(true);
  expect(set.delete(a)).toBe(false);
  expect([...set]).toEqual(expect.arrayContaining([b, c]));
  expect(set.size).toBe(2);
  expect(set.delete(c)).toBe(true);
  expect(set.delete(b)).toBe(true);
  expect(set.size).toBe(0);
});

test('It is there once however often it is added', () => {
  const set = new ServerSet();
  const one = server();
  set.add(one);
  set.add(one);
  expect([...set]).toEqual([one]);
});

test('Deleting what is in another set changes neither', () => {
  const [set, other] = [new ServerSet(), new ServerSet()];
  const [one, two] = [server(), server()];
  set.add(one);
  other.add(two);
  expect(set.delete(two)).toBe(false);
  expect([...set]).toEqual([one]);
  expect([...other]).toEqual([two]);
});
