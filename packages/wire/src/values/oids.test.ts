import { expect, test } from 'vitest';
import { Oid } from './oids.ts';

test('the ones everybody knows', () => {
  expect([
    Oid.bool,
    Oid.bytea,
    Oid.int8,
    Oid.int4,
    Oid.text,
    Oid.json,
    Oid.timestamptz,
    Oid.numeric,
    Oid.jsonb,
  ]).toEqual([16, 17, 20, 23, 25, 114, 1184, 1700, 3802]);
  expect([Oid.boolArray, Oid.int4Array, Oid.textArray, Oid.jsonbArray, Oid.recordArray]).toEqual([
    1000, 1007, 1009, 3807, 2287,
  ]);
});

test('no number twice', () => {
  const numbers = Object.values(Oid);
  expect(new Set(numbers).size).toBe(numbers.length);
});
