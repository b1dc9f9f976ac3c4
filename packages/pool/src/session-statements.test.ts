import { expect, test } from 'vitest';
import { nameKey, nameText } from './session-statements.ts';

const bytesOf = (name: string): Uint8Array => new TextEncoder().encode(`..${name}..`);
const keyOf = (name: string): string => {
  const bytes = bytesOf(name);
  return nameKey(bytes, 2, bytes.length - 2);
};

test('keys tell names apart, whichever were asked for before', () => {
  const names = [
    '',
    's0',
    's1',
    'S0',
    't0',
    'as0',
    's',
    '0',
    'é0',
    'e0',
    's00',
    ...Array.from({ length: 100 }, (_, i) => `p${i}`),
  ];
  for (const order of [names, [...names].reverse(), names]) {
    expect(order.map((name) => nameText(keyOf(name)))).toEqual(order);
  }
});

test('names are the same when their first 63 bytes are', () => {
  const long = 'x'.repeat(63);
  expect(keyOf(`${long}a`)).toBe(keyOf(`${long}b`));
  expect(keyOf(`${long}a`)).toBe(long);
  expect(keyOf(long.slice(1))).not.toBe(keyOf(long));
});
