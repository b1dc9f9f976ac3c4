import { expect, test } from 'vitest';
import { encodeText } from './bytes/text.ts';
import { md5Hex, md5Password } from './md5-password.ts';

test.each([
  ['', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['a', '0cc175b9c0f1b6a831c399e269772661'],
  ['abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
  ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
  ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
])('RFC 1321, appendix A.5: %j', (text, digest) => {
  expect(md5Hex(encodeText(text))).toBe(digest);
});

// Made with Python's hashlib: the lengths around the padding's edges.
test.each([
  [55, 'ef1772b6dff9a122358552954ad0df65'],
  [56, '3b0c8ac703f828b04c6c197006d17218'],
  [63, 'b06521f39153d618550606be297466d5'],
  [64, '014842d480b571495a4a0363793f7367'],
  [65, 'c743a45e0d2e6a95cb859adae0248435'],
  [1000, 'cabe45dcc9ae5b66ba86600cca6b8ba8'],
])('%i times the letter a', (length, digest) => {
  expect(md5Hex(encodeText('a'.repeat(length)))).toBe(digest);
});

test('the password form, as libpq makes it', () => {
  expect(md5Password('postgres', 'secret', Uint8Array.of(1, 2, 3, 4))).toBe('md5bb41a296aab6baccb36ff243a562abff');
});
