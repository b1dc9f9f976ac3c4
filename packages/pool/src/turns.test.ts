import { createFakeClock } from '@postern/testkit';
import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

function create() {
  const clock = createFakeClock();
  clock.advance(1_000 - clock.now());
  const ends: (() => void)[] = [];
  const turns = new Turns(
    clock,
    (callback) => ends.push(callback),
    () => {},
  );
  /** One turn that takes so long. */
  const turn = (ms: number) => {
    turns.begin();
    clock.advance(ms);
    turns.begin();
    expect(ends).toHaveLength(1);
    ends.pop()!();
  };
  return { clock, turns, turn };
}

test('what was waited for arrived when the turn began', () => {
  const { clock, turns, turn } = create();
  turn(1);
  clock.advance(5);
  turns.begin();
  expect(turns).toMatchObject({ startedAt: 1_006, arrivedAfter: 1_006 });
});

test('between turns that follow each other it may have arrived any time since the last began', () => {
  const { turns, turn } = create();
  turn(1);
  turn(2);
  turns.begin();
  expect(turns).toMatchObject({ startedAt: 1_003, arrivedAfter: 1_001 });
});
