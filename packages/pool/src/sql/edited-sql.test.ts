import { describe, expect, it } from 'vitest';
import { editSql, originalPosition } from './edited-sql.ts';

describe('editSql', () => {
  const edited = editSql('SELECT "ä😀", a, b FROM c', [
    { start: 14, end: 15, replacement: 'longer' },
    { start: 17, end: 18, replacement: '' },
  ]);

  it('puts the replacements in place', () => {
    expect(edited.sql).toBe('SELECT "ä😀", longer,  FROM c');
    expect(editSql('as it was', []).sql).toBe('as it was');
  });

  // Positions count characters from 1, not UTF-16 units.
  it.each([
    [1, 1, 'S'],
    [10, 10, 'the emoji'],
    [11, 11, 'the quote behind it'],
    [14, 14, 'the start of what was replaced'],
    [17, 14, 'inside it'],
    [20, 15, 'behind it'],
    [22, 18, 'behind what was taken out'],
    [28, 24, 'the last character'],
    [99, 25, 'beyond the end'],
  ])('position %i was %i: %s', (position, original) => {
    expect(originalPosition(edited, position)).toBe(original);
  });

  it('is the way back for every character that stays', () => {
    const original = 'x😀PREPARE s AS SELECT é';
    const { sql, edits } = editSql(original, [{ start: 11, end: 12, replacement: '"_postern_12"' }]);
    for (const character of ['x', '😀', 'P', 'A', 'L', 'é']) {
      const position = [...sql].indexOf(character) + 1;
      expect(originalPosition({ sql, original, edits }, position)).toBe([...original].indexOf(character) + 1);
    }
  });
});
