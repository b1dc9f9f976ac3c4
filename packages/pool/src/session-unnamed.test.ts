import { describe, expect, test } from 'vitest';
import { SessionUnnamed } from './session-unnamed.ts';
import type { StatementText, UnnamedStatement } from './statements.ts';

const statement = (name: string): UnnamedStatement => ({ text: { name } as unknown as StatementText });
const [a, b] = [statement('a'), statement('b')];

describe('the unnamed statement of a session', () => {
  test('is what was given last', () => {
    const unnamed = new SessionUnnamed();
    expect(unnamed.current).toBeUndefined();
    unnamed.change(a, 1);
    unnamed.change(b, 1);
    expect(unnamed.current).toBe(b);
    unnamed.drop();
    expect(unnamed.current).toBeUndefined();
  });

  test('is what it was before changes that were skipped', () => {
    const unnamed = new SessionUnnamed();
    unnamed.confirmed(unnamed.change(a, 1));
    const [closed, given] = [unnamed.change(undefined, 1), unnamed.change(b, 1)];
    // As Postgres tells of them: the last one first.
    unnamed.revoked(given, false);
    unnamed.revoked(closed, false);
    expect(unnamed.current).toBe(a);
  });

  test('is gone when its Parse failed', () => {
    const unnamed = new SessionUnnamed();
    unnamed.change(a, 1);
    unnamed.revoked(unnamed.change(b, 1), true);
    expect(unnamed.current).toBeUndefined();
  });

  test('is not taken back by a change that was skipped before it was given', () => {
    const unnamed = new SessionUnnamed();
    const skipped = unnamed.change(a, 1);
    const given = unnamed.change(b, 1);
    unnamed.revoked(skipped, false);
    expect(unnamed.current).toBe(b);
    unnamed.revoked(given, false);
    expect(unnamed.current).toBeUndefined();
  });

  test('is not known to a later segment before the change is answered', () => {
    const unnamed = new SessionUnnamed();
    const change = unnamed.change(a, 1);
    expect(unnamed.awaited(1)).toBeUndefined();
    expect(unnamed.awaited(2)).toBe(change);
    unnamed.confirmed(change);
    expect(unnamed.awaited(2)).toBeUndefined();
    const skipped = unnamed.change(b, 2);
    unnamed.revoked(skipped, false);
    expect(unnamed.awaited(3)).toBeUndefined();
  });

  test('remembers nothing of what is settled', () => {
    const unnamed = new SessionUnnamed();
    for (let i = 0; i < 3; i++) {
      const change = unnamed.change(a, 1);
      unnamed.confirmed(change);
      expect(change.before).toBeUndefined();
    }
  });
});
