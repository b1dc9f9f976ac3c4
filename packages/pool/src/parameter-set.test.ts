import { expect, test } from 'vitest';
import { changedParameters, createParameterSets } from './parameter-set.ts';

test('equal values are one object, whatever their order, and are not tied to the map they came in', () => {
  const sets = createParameterSets();
  const values = new Map([
    ['a', '1'],
    ['b', '2'],
  ]);
  const set = sets.intern(values);
  expect(sets.intern(new Map([...values].reverse()))).toBe(set);
  values.set('a', '9');
  expect(set.values.get('a')).toBe('1');
  expect(sets.intern(values)).not.toBe(set);
});

test('what changes is what differs or is new', () => {
  const sets = createParameterSets();
  const before = sets.intern(
    new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
  );
  const after = sets.intern(
    new Map([
      ['a', '1'],
      ['b', '3'],
      ['c', '4'],
    ]),
  );
  expect(changedParameters(before, after)).toEqual([
    ['b', '3'],
    ['c', '4'],
  ]);
  expect(changedParameters(after, after)).toEqual([]);
});

test('are remembered within a bound', () => {
  const sets = createParameterSets(1);
  const first = sets.intern(new Map([['a', '1']]));
  sets.intern(new Map([['a', '2']]));
  expect(sets.intern(new Map([['a', '1']]))).not.toBe(first);
});
