import { expect, test } from 'vitest';
import { createLabels } from './label.ts';
import { type LimitGroup, type Waiter, WaitQueue } from './wait-queue.ts';

const { none } = createLabels();

function waiter(group?: LimitGroup, waitingSince = 0): Waiter {
  return {
    label: none,
    group,
    poolTimeoutMs: 0,
    connectTimeoutMs: 0,
    lastServer: undefined,
    waitingSince,
    waitsOn: false,
    place: -1,
    granted() {},
    shareableText: () => undefined,
    ride() {},
    refused() {},
  };
}

test('first in, first out', () => {
  const queue = new WaitQueue();
  const [a, b, c] = [waiter(), waiter(), waiter()];
  for (const one of [a, b, c]) queue.push(one);
  expect(queue.length).toBe(3);
  expect(queue.first).toBe(a);
  expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([a, b, c, undefined]);
  expect(queue.first).toBeUndefined();
});

test('whoever leaves is not served and holds nobody up', () => {
  const queue = new WaitQueue();
  const [a, b, c] = [waiter(), waiter(), waiter()];
  for (const one of [a, b, c]) queue.push(one);
  expect(queue.remove(a)).toBe(true);
  expect(queue.remove(a)).toBe(false);
  expect(queue.first).toBe(b);
  expect(queue.remove(b)).toBe(true);
  expect([...queue]).toEqual([c]);
  expect(queue.shift()).toBe(c);
});

test('whoever waits on stands where it would if it had never left', () => {
  const queue = new WaitQueue();
  const [a, b, c, d, e] = [1, 2, 2, 3, 4].map((since) => waiter(undefined, since)) as Waiter[] as [
    Waiter,
    Waiter,
    Waiter,
    Waiter,
    Waiter,
  ];
  for (const one of [a, d, e]) queue.push(one);
  queue.remove(e);
  for (const one of [b, c]) queue.push(one);
  expect([...queue]).toEqual([a, b, c, d]);
  expect(queue.remove(d)).toBe(true);
  expect(queue.remove(b)).toBe(true);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([a, c, undefined]);
});

test('removing while walking through it visits everybody once', () => {
  const queue = new WaitQueue();
  const all = Array.from({ length: 5 }, () => waiter());
  for (const one of all) queue.push(one);
  const seen: Waiter[] = [];
  for (const one of queue) {
    queue.remove(one);
    seen.push(one);
  }
  expect(seen).toEqual(all);
  expect(queue.length).toBe(0);
});

test('a group at its limit is passed over, and served in its old place once it is below', () => {
  const queue = new WaitQueue();
  const group = { size: 1, limit: 1, lent: 1, sessions: 1 };
  const [a, b, c] = [waiter(group), waiter(), waiter(group)];
  for (const one of [a, b, c]) queue.push(one);
  expect(queue.shift()).toBe(b);
  expect(queue.shift()).toBeUndefined();
  group.lent = 0;
  expect(queue.shift()).toBe(a);
  group.lent = 1;
  expect(queue.shift()).toBeUndefined();
  expect(queue.length).toBe(1);
});

test('stays in order over thousands that come and go', () => {
  const queue = new WaitQueue();
  const model: Waiter[] = [];
  let seed = 11;
  for (let step = 0; step < 20_000; step++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const what = seed % 8;
    if (what < 4 || model.length === 0) {
      const one = waiter();
      queue.push(one);
      model.push(one);
    } else if (what < 6) expect(queue.shift()).toBe(model.shift());
    else {
      const one = model.splice((seed >> 5) % model.length, 1)[0]!;
      expect(queue.remove(one)).toBe(true);
    }
    if (queue.length !== model.length || queue.first !== model[0]) throw new Error(`differs in step ${step}`);
  }
  while (model.length > 0) expect(queue.shift()).toBe(model.shift());
});
