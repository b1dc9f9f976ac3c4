import { expect, test } from 'vitest';
import { createFakeClock } from './fake-clock.ts';

test('fires timers in the order of their times, at their times', () => {
  const clock = createFakeClock(0);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
  clock.after(20, note('b'));
  clock.after(10, note('a'));
  clock.after(20, note('c'));
  clock.after(10, () => clock.after(5, note('nested')));
  clock.advance(19);
  expect(seen).toEqual(['a@10', 'nested@15']);
  clock.advance(1);
  expect(seen).toEqual(['a@10', 'nested@15', 'b@20', 'c@20']);
  expect(clock.pendingTimers).toBe(0);
});

test('does not fire what was cancelled, even by an earlier timer of the same moment', () => {
  const clock = createFakeClock(0);
  const seen: string[] = [];
  clock.after(10, () => later.cancel());
  const later = clock.after(10, () => seen.push('cancelled'));
  clock.advance(100);
  later.cancel();
  expect(seen).toEqual([]);
  expect(clock.now()).toBe(100);
});
