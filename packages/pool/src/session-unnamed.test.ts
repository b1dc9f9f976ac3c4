import { describe, expect, test } from 'vitest';
import { SessionUnnamed } from './session-unnamed.ts';
import type { StatementText, UnnamedStatement } from './statements.ts';

const statement = (name: string): UnnamedStatement => ({ text: { name } as unknown as StatementText });
const [a, b] = [statement('a'), statement('b')];

describe('the unnamed statement of a session', () => {
  test('is what was given last', () => {
    const unnamed = new SessionUnnamed();
    expect(unnamed.current).toBeUndefined();
    unnamed.change(a);
    unnamed.change(b);
    expect(unnamed.current).toBe(b);
    unnamed.drop();
    expect(unnamed.current).toBeUndefined();
  });

  test('is what it was before changes that were skipped', () => {
    const unnamed = new SessionUnnamed();
    unnamed.confirmed(unnamed.change(a));
    const [closed, given] = [unnamed.change(undefined), unnamed.change(b)];
    // As Postgres tells of them: the last one first.
    unnamed.revoked(given, false);
    unnamed.revoked(closed, false);
    expect(unnamed.current).toBe(a);
  });

  test('is gone when its Parse failed', () => {
    const unnamed = new SessionUnnamed();
    unnamed.change(a);
    unnamed.revoked(unnamed.change(b), true);
    expect(unnamed.current).toBeUndefined();
  });

  test('is not taken back by a change that was skipped before it was given', () => {
    const unnamed = new SessionUnnamed();
    const skipped = unnamed.change(a);
    const given = unnamed.change(b);
    unnamed.revoked(skipped, false);
    expect(unnamed.current).toBe(b);
    unnamed.revoked(given, false);
    expect(unnamed.current).toBeUndefined();
  });

  test('remembers nothing of what is settled', () => {
    const unnamed = new SessionUnnamed();
    for (let i = 0; i < 3; i++) {
      const change = unnamed.change(a);
      unnamed.confirmed(change);
      expect(change.before).toBeUndefined();
    }
  });
});
