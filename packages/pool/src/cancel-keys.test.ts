import { expect, test } from 'vitest';
import { CancelKeys, processNumberOf } from './cancel-keys.ts';

/** Random bytes from a list, the last one for ever. */
function scripted(...values: number[][]): (bytes: number) => Uint8Array {
  return (bytes) => {
    const next = values.length > 1 ? values.shift()! : values[0]!;
    return Uint8Array.from({ length: bytes }, (_, i) => next[i] ?? 0);
  };
}

test('only the whole key finds its session', () => {
  const keys = new CancelKeys<string>(scripted([0, 0, 0, 7, 1, 2, 3, 4]));
  const { processId, secretKey } = keys.create(4);
  keys.set(processId, secretKey, 'session');
  expect(processId).toBe(7);
  expect(keys.find(7, Uint8Array.of(1, 2, 3, 4))).toBe('session');
  expect(keys.find(7, Uint8Array.of(1, 2, 3, 5))).toBeUndefined();
  expect(keys.find(7, Uint8Array.of(1, 2, 3))).toBeUndefined();
  expect(keys.find(7, new Uint8Array(0))).toBeUndefined();
  expect(keys.find(8, Uint8Array.of(1, 2, 3, 4))).toBeUndefined();
  keys.delete(7);
  expect(keys.find(7, Uint8Array.of(1, 2, 3, 4))).toBeUndefined();
});

test('process ids are positive, not 0, and nobody else’s', () => {
  const keys = new CancelKeys<string>(scripted([0x80, 0, 0, 0], [0x80, 0, 0, 5, 1], [0, 0, 0, 5, 2], [0, 0, 0, 6, 3]));
  const first = keys.create(1);
  keys.set(first.processId, first.secretKey, 'a');
  const second = keys.create(1);
  expect([first.processId, second.processId]).toEqual([5, 6]);
  expect([...first.secretKey, ...second.secretKey]).toEqual([1, 3]);
});

test('a preferred process id is given where it is free', () => {
  const keys = new CancelKeys<string>(scripted([0, 0, 0, 9]));
  expect(keys.create(4, 77).processId).toBe(77);
  keys.set(77, Uint8Array.of(1), 'a');
  expect(keys.create(4, 77).processId).toBe(9);
  expect(keys.create(32, 78).secretKey).toHaveLength(32);
});

test('counts and lists who is there; a holder without a key cannot be found by one', () => {
  const keys = new CancelKeys<string>(scripted([1]));
  keys.set(Symbol(), new Uint8Array(0), 'opening');
  keys.set(1, Uint8Array.of(1), 'open');
  expect(keys.size).toBe(2);
  expect([...keys.sessions()]).toEqual(['opening', 'open']);
});

test('one of several processes puts its number into the process ids it makes up', () => {
  const keys = new CancelKeys<string>(scripted([0xff, 0, 0, 5, 1]), 127);
  const { processId } = keys.create(1);
  expect([processId, processNumberOf(processId)]).toEqual([0x7f00_0005, 127]);
  expect(processNumberOf(keys.create(4, 4_194_304).processId)).toBe(0);
});
