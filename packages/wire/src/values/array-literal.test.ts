import { describe, expect, test } from 'vitest';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { type ArrayLiteral, encodeArrayLiteral, parseArrayLiteral } from './array-literal.ts';

// Text that PostgreSQL 15 wrote for these elements.
test.each<[string, ArrayLiteral]>([
  ['{}', []],
  ['{1,2,3}', ['1', '2', '3']],
  [
    '{a,"b c","","NULL","null",NULL,"x\\"y","b\\\\s","{","}",",","\t",ä€," lead","trail "}',
    ['a', 'b c', '', 'NULL', 'null', null, 'x"y', 'b\\s', '{', '}', ',', '\t', 'ä€', ' lead', 'trail '],
  ],
  [
    '{{a,b},{NULL,d}}',
    [
      ['a', 'b'],
      [null, 'd'],
    ],
  ],
  ['{{{{{{deep}}}}}}', [[[[[['deep']]]]]]],
])('%s, both ways', (text, elements) => {
  expect(parseArrayLiteral(text)).toEqual(elements);
  expect(encodeArrayLiteral(elements)).toBe(text);
});

test('boxes are separated by semicolons', () => {
  const boxes = ['(1,1),(0,0)', '(2,2),(1,1)'];
  expect(parseArrayLiteral('{(1,1),(0,0);(2,2),(1,1)}', ';')).toEqual(boxes);
  expect(encodeArrayLiteral(boxes, ';')).toBe('{(1,1),(0,0);(2,2),(1,1)}');
  expect(encodeArrayLiteral(['a;b'], ';')).toBe('{"a;b"}');
});

test.each<[string, ArrayLiteral]>([
  ['[0:1]={1,2}', ['1', '2']],
  [
    '[-1:0][2:3]={{1,2},{3,4}}',
    [
      ['1', '2'],
      ['3', '4'],
    ],
  ],
  // PostgreSQL 15 reads this as the JSON array ["a","b","c,d","x y","NULL",null," z "].
  [' { a , "b" ,c\\,d, x y , N\\ULL, NuLL , \\ z\\ } ', ['a', 'b', 'c,d', 'x y', 'NULL', null, ' z ']],
  ['{ }', []],
])('%s is read as Postgres reads it', (text, elements) => {
  expect(parseArrayLiteral(text)).toEqual(elements);
});

describe('what PostgreSQL 15 refuses, too', () => {
  test.each([
    ...[
      '',
      'a',
      '{',
      '{a',
      '{a,}',
      '{,a}',
      '{,}',
      '{"a"b}',
      '{a"b"}',
      '{"a}',
      '{a}x',
      '{}{}',
      '[1:2]',
      '[1:2]=',
      '[1]{1',
    ],
    ...['{a{b}}', '{"a', '{a\\', '{"a\\', '}', '{{a}', '[1:2]=[1:2]={1}'],
  ])('%j', (text) => {
    expect(protocolErrorFrom(() => parseArrayLiteral(text))).toMatchObject({ side: 'remote', code: '22P02' });
  });

  test('more than six dimensions, however many', () => {
    expect(protocolErrorFrom(() => parseArrayLiteral('{'.repeat(7))).code).toBe('54000');
    expect(protocolErrorFrom(() => parseArrayLiteral('{'.repeat(1_000_000))).code).toBe('54000');
    const cyclic: ArrayLiteral = [];
    cyclic.push(cyclic);
    expect(protocolErrorFrom(() => encodeArrayLiteral(cyclic)).side).toBe('local');
  });
});

test('any elements survive the way there and back', () => {
  const random = createSeededRandom(8);
  const alphabet = ['a', 'N', 'U', 'L', '"', '\\', '{', '}', ',', ' ', '\n', 'ä', '😀', '='];
  for (let round = 0; round < 1000; round++) {
    const elements = Array.from({ length: random.below(5) }, () =>
      random.below(6) === 0
        ? null
        : Array.from({ length: random.below(6) }, () => alphabet[random.below(alphabet.length)]).join(''),
    );
    expect(parseArrayLiteral(encodeArrayLiteral(elements))).toEqual(elements);
  }
});

test('garbage gives elements or a ProtocolError', () => {
  const random = createSeededRandom(9);
  const alphabet = '{{}},,"\\ a[1:2]=N';
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: random.below(12) }, () => alphabet[random.below(alphabet.length)]).join('');
    try {
      parseArrayLiteral(`{${text}`);
    } catch (error) {
      expect(error).toMatchObject({ kind: 'protocol', side: 'remote' });
    }
  }
});
