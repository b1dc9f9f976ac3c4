import { describe, expect, test } from 'vitest';
import { saslprep } from './saslprep.ts';

// Every case was compared with the verifier PostgreSQL 15 builds, as were all borders of all ranges of the tables.

describe('prepared', () => {
  test.each([
    ['soft hyphen is dropped (RFC 4013)', 'I\u00adX', 'IX'],
    ['ª (RFC 4013)', '\u00aa', 'a'],
    ['Ⅸ (RFC 4013)', '\u2168', 'IX'],
    ['other spaces become a space', 'a\u00a0b\u3000c', 'a b c'],
    ['zero-width space counts as a space', 'ä\u200bb', 'ä b'],
    ['combining marks are composed', 'pa\u0308ss', 'päss'],
    ['ligature', '\ufb01', 'fi'],
    ['right to left at both ends', '\u0627\u00b2\u0628', '\u06272\u0628'],
    ['beyond the first plane', '\u{1d400}\ufb01', 'Afi'],
  ])('%s', (_what, password, prepared) => {
    expect(saslprep(password)).toBe(prepared);
  });
});

describe('used as it is', () => {
  test.each([
    ['ASCII', 'user'],
    ['ASCII, even what RFC 4013 forbids', 'a\u0007b'],
    ['empty', ''],
    ['nothing would be left', '\u00ad\u200d'],
    ['a control character', '\ufb01\u0085'],
    ['private use', '\ufb01\ue000'],
    ['unassigned in Unicode 3.2, like an emoji', '\ufb01\u{1f600}'],
    ['not a character', '\ufb01\uffff'],
    ['no text at all', '\ufb01\ud800'],
    ['right to left, but not at the end (RFC 4013)', '\u0627\u00b2'],
    ['right to left, but not at the beginning', '\u00b2\u0627'],
    ['both directions', '\u0627\ufb01\u0627'],
  ])('%s', (_what, password) => {
    expect(saslprep(password)).toBe(password);
  });
});
