import { expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { encodeText } from './text.ts';

// RFC 4648, section 10.
test.each([
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foobar', 'Zm9vYmFy'],
])('%j', (text, base64) => {
  expect(encodeBase64(encodeText(text))).toBe(base64);
  expect(decodeBase64(base64)).toEqual(encodeText(text));
});

test.each(['Z', 'Zg', 'Zg=', 'Zg===', 'Z g=', ' Zg==', 'Zg==\n', 'Zm9v=', '-_==', 'Zé=='])(
  '%j is not base64',
  (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  },
);
