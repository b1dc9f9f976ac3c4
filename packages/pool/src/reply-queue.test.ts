import { expect, test } from 'vitest';
import { Action, Expect, ReplyQueue } from './reply-queue.ts';

/** All entries from the head on, as the references they carry. */
function refs(queue: ReplyQueue<string>): unknown[] {
  return Array.from({ length: queue.length }, (_, i) => queue.refAt(i));
}

test('gives out entries in the order they came, with all they carry', () => {
  const queue = new ReplyQueue<string>();
  expect(queue.kind).toBe(0);
  queue.push(Expect.Parse, Action.Swallow, 'a', 1);
  queue.push(Expect.Sync, Action.Forward, 'b', 2);
  expect([queue.kind, queue.action, queue.sink, queue.ref]).toEqual([Expect.Parse, Action.Swallow, 'a', 1]);
  queue.pop();
  expect([queue.kind, queue.action, queue.sink, queue.ref]).toEqual([Expect.Sync, Action.Forward, 'b', 2]);
  queue.pop();
  expect(queue.length).toBe(0);
  expect(queue.kind).toBe(0);
});

test('behaves like an array, whatever the turns around the ring, growth and removals', () => {
  const queue = new ReplyQueue<string>();
  let model: number[] = [];
  let next = 0;
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return seed % below;
  };
  for (let step = 0; step < 20_000; step++) {
    const what = random(10);
    // More often fuller than emptier in the first half, the other way round in the second: the ring grows and wraps.
    if (what < (step < 10_000 ? 6 : 4)) {
      queue.push(Expect.Execute, Action.Forward, `s${next}`, next);
      model.push(next++);
    } else if (what < 9 && model.length > 0) {
      queue.pop();
      model = model.slice(1);
    } else if (model.length > 0) {
      const at = random(model.length);
      queue.removeAt(at);
      model.splice(at, 1);
    }
    expect(queue.length).toBe(model.length);
    if (step % 100 === 0) {
      expect(refs(queue)).toEqual(model);
      expect(Array.from(model, (_, i) => queue.sinkAt(i))).toEqual(model.map((ref) => `s${ref}`));
    }
  }
});

test('entries can be changed and read at any place', () => {
  const queue = new ReplyQueue<string>();
  for (let i = 0; i < 12; i++) queue.push(Expect.Parse, Action.Forward, 's', i);
  for (let i = 0; i < 10; i++) queue.pop();
  for (let i = 12; i < 24; i++) queue.push(Expect.Bind, Action.Forward, 's', i);
  queue.setActionAt(3, Action.Swallow);
  expect(queue.actionAt(3)).toBe(Action.Swallow);
  expect(queue.actionAt(2)).toBe(Action.Forward);
  expect(queue.kindAt(1)).toBe(Expect.Parse);
  expect(queue.kindAt(2)).toBe(Expect.Bind);
  queue.removeAt(0);
  expect(refs(queue)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
});
