import { describe, expect, test } from 'vitest';
import { encodeText } from '../bytes/text.ts';
import { buildScramVerifier, formatScramVerifier, mockScramVerifier, parseScramVerifier } from './verifier.ts';

// pg_authid.rolpassword of PostgreSQL 15 for the password below.
const fromPostgres =
  'SCRAM-SHA-256$4096:fjJROeOGl95XQ+14zwjyDw==$VqWQMv14tkyQ6LN/x+1aEYVln9M4jEwRZbTT20XFejs=' +
  ':375WQeaDyqwfwpBguKQLXFFEAjy6NKEAJ7BK11QWRfQ=';
const password = 'päss wörd ﬁ';

test('a verifier of Postgres: read, written, and made anew from the password', async () => {
  const verifier = parseScramVerifier(fromPostgres)!;
  expect(verifier.iterations).toBe(4096);
  expect(formatScramVerifier(verifier)).toBe(fromPostgres);
  expect(await buildScramVerifier(password, verifier.salt, 4096)).toEqual(verifier);
  expect(await buildScramVerifier(password.normalize('NFKD'), verifier.salt, 4096)).toEqual(verifier);
  expect(await buildScramVerifier('other', verifier.salt, 4096)).not.toEqual(verifier);
  expect(await buildScramVerifier(password, verifier.salt, 4097)).not.toEqual(verifier);
});

test.each([
  '',
  'secret',
  'md5bb41a296aab6baccb36ff243a562abff',
  fromPostgres.replace('256', '512'),
  fromPostgres.replace('4096', '0'),
  fromPostgres.replace('4096', '-1'),
  fromPostgres.replace('4096', '9999999999'),
  fromPostgres.replace('Dw==', 'Dw='),
  fromPostgres.replace('375W', ''),
  fromPostgres.replace('VqWQ', 'VqWQAAAA'),
  `${fromPostgres}:x`,
  `${fromPostgres}\n`,
])('%j is no SCRAM verifier', (text) => {
  expect(parseScramVerifier(text)).toBeUndefined();
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 31])('%d iterations are refused', async (iterations) => {
  await expect(buildScramVerifier('x', new Uint8Array(16), iterations)).rejects.toMatchObject({ side: 'local' });
});

describe('the verifier of a user who does not exist', () => {
  const seed = encodeText('0123456789abcdef0123456789abcdef');

  test('is the same each time', async () => {
    expect(await mockScramVerifier('bob', seed)).toEqual(await mockScramVerifier('bob', seed.slice()));
  });

  test('differs by user and by seed', async () => {
    const salts = await Promise.all([
      mockScramVerifier('bob', seed),
      mockScramVerifier('alice', seed),
      mockScramVerifier('bob', encodeText('another seed')),
    ]);
    expect(new Set(salts.map(({ salt }) => salt.join())).size).toBe(3);
  });

  test('looks like a real one', async () => {
    const [mock, real] = [await mockScramVerifier('bob', seed), parseScramVerifier(fromPostgres)!];
    expect(formatScramVerifier(mock)).toHaveLength(fromPostgres.length);
    expect(mock.iterations).toBe(real.iterations);
    expect(mock.salt).toHaveLength(real.salt.length);
    expect((await mockScramVerifier('bob', seed, 10_000)).iterations).toBe(10_000);
  });
});
