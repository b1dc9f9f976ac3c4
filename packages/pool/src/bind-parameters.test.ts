import { encodeBind, encodeText } from '@postern/wire';
import { expect, test } from 'vitest';
import { readParameter } from './bind-parameters.ts';

test('parameters are read by number, as far as they are here', () => {
  const message = encodeBind({ statement: 's', parameters: [encodeText('a.b'), null, encodeText('ccc')] });
  // Behind header, portal and statement.
  const at = 5 + 1 + 2;
  expect([1, 2, 3, 4].map((number) => readParameter(message, at, message.length, number))).toEqual([
    'a.b',
    undefined,
    'ccc',
    undefined,
  ]);
  const ends = Array.from({ length: message.length }, (_, end) => readParameter(message, at, end, 3));
  expect(ends.filter((found) => found !== undefined)).toEqual(['ccc', 'ccc']);
});
