import { expect, test } from 'vitest';
import { FrontViews } from './front-views.ts';

test('A view shows the front of the memory as it is now', () => {
  const views = new FrontViews(new Uint8Array(8));
  const view = views.first(3);
  views.memory.set([1, 2, 3, 4]);
  expect([...view]).toEqual([1, 2, 3]);
  expect([...views.first(2)]).toEqual([1, 2]);
  expect(views.first(0)).toHaveLength(0);
  expect(views.first(8)).toHaveLength(8);
});

test('Short views are made once, long ones each time', () => {
  const views = new FrontViews(new Uint8Array(65_536));
  expect(views.first(100)).toBe(views.first(100));
  expect(views.first(65_536)).not.toBe(views.first(65_536));
});

test('Views are of the kind that the memory is', () => {
  const views = new FrontViews(Buffer.alloc(4_096));
  expect(views.first(5)).toBeInstanceOf(Buffer);
  expect(views.first(4_000)).toBeInstanceOf(Buffer);
});
