import { expect, test } from 'vitest';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { decodeBytea, encodeBytea } from './bytea.ts';

// One value, as PostgreSQL 15 writes it with either bytea_output.
const value = Uint8Array.of(0x00, 0x01, 0x20, 0x7e, 0x7f, 0x80, 0xff, 0x5c, 0x27);

test.each(['\\x0001207e7f80ff5c27', '\\x0001207E7F80FF5C27', "\\000\\001 ~\\177\\200\\377\\\\'"])('%s', (text) => {
  expect(decodeBytea(text)).toEqual(value);
});

test('empty in both forms', () => {
  expect(decodeBytea('')).toEqual(new Uint8Array(0));
  expect(decodeBytea('\\x')).toEqual(new Uint8Array(0));
  expect(encodeBytea(new Uint8Array(0))).toBe('\\x');
});

test('any bytes survive the way there and back', () => {
  const random = createSeededRandom(10);
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  for (const bytes of [value, all, random.bytes(1000)]) expect(decodeBytea(encodeBytea(bytes))).toEqual(bytes);
});

test.each([
  '\\x0',
  '\\xzz',
  '\\x0g',
  '\\x0 ',
  '\\x\u0130\u0130',
  'ä',
  '\\',
  '\\1',
  '\\12',
  '\\400',
  '\\a',
  'a\n',
  '\\08 ',
])('%j is malformed', (text) => {
  expect(protocolErrorFrom(() => decodeBytea(text))).toMatchObject({ side: 'remote', code: '22P02' });
});
