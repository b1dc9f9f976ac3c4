import { describe, expect, it } from 'vitest';
import { createRandom, randomGarbage } from './random-sql.fixture.ts';
import { type TokenizeOptions, TokenKind, tokenize } from './tokenize.ts';

const LETTERS: Readonly<Record<number, string>> = {
  [TokenKind.word]: 'word',
  [TokenKind.quotedIdentifier]: 'quoted',
  [TokenKind.unicodeIdentifier]: 'uident',
  [TokenKind.string]: 'string',
  [TokenKind.escapeString]: 'estring',
  [TokenKind.unicodeString]: 'ustring',
  [TokenKind.bitString]: 'bits',
  [TokenKind.dollarString]: 'dollar',
  [TokenKind.parameter]: 'param',
  [TokenKind.number]: 'number',
  [TokenKind.operator]: 'op',
  [TokenKind.cast]: 'cast',
  [TokenKind.other]: 'other',
};

/** `kind:text` of each token; punctuation as itself. */
function shown(sql: string, options?: TokenizeOptions): string[] {
  const tokens = tokenize(sql, options);
  const result: string[] = [];
  for (let i = 0; i < tokens.count; i++) {
    const text = sql.slice(tokens.starts[i], tokens.ends[i]);
    const kind = LETTERS[tokens.kinds[i]!];
    result.push(kind === undefined ? text : `${kind}:${text}`);
  }
  if (tokens.isUnterminated) result.push('!unterminated');
  if (tokens.isAmbiguous) result.push('!ambiguous');
  return result;
}

const CASES: readonly (readonly [sql: string, ...tokens: string[]])[] = [
  ['', ...[]],
  [' \t\r\n\f\v'],
  ['select 1', 'word:select', 'number:1'],
  ['a$1 $1 $12a', 'word:a$1', 'param:$1', 'param:$12', 'word:a'],
  ['é.Ünïcode\u2028x', 'word:é', '.', 'word:Ünïcode\u2028x'],
  ['a\u00a0b', 'word:a\u00a0b'],
  // numbers
  [
    '1 1.5 .5 1. 1e5 1.5E-3 1e+ 1..2',
    'number:1',
    'number:1.5',
    'number:.5',
    'number:1.',
    'number:1e5',
    'number:1.5E-3',
    'number:1',
    'word:e',
    'op:+',
    'number:1',
    '.',
    'number:.2',
  ],
  ['1and 1e5into', 'number:1', 'word:and', 'number:1e5', 'word:into'],
  // comments
  ['a -- b\nc', 'word:a', 'word:c'],
  ['a -- b\rc', 'word:a', 'word:c'],
  ['a -- b\u2028c', 'word:a'],
  ['a--', 'word:a'],
  ['a/* b */c', 'word:a', 'word:c'],
  ['a/* /* b */ c */d', 'word:a', 'word:d'],
  ['a/*/ b */c', 'word:a', 'word:c'],
  ['a/***/b/**//**/c', 'word:a', 'word:b', 'word:c'],
  ['a /* /* */ b', 'word:a', '!unterminated'],
  ["/* ' */ a", 'word:a'],
  ["'/*' a", "string:'/*'", 'word:a'],
  ['1+-- x\n2', 'number:1', 'op:+', 'number:2'],
  ['1*/* x */2', 'number:1', 'op:*', 'number:2'],
  ['*/', 'op:*/'],
  // plain literals
  ["'a''b'c", "string:'a''b'", 'word:c'],
  ["'a' 'b'", "string:'a'", "string:'b'"],
  ["'a'\n'b'", "string:'a'\n'b'"],
  ["'a' -- it's\n  -- it's\n\t'b' c", "string:'a' -- it's\n  -- it's\n\t'b'", 'word:c'],
  ["'a' /* x */\n'b'", "string:'a'", "string:'b'"],
  ["'a'\nE'b'", "string:'a'", "estring:E'b'"],
  ["'a", "string:'a", '!unterminated'],
  ["'a\\b'", "string:'a\\b'"],
  ["'a\\'", "string:'a\\'", '!ambiguous'],
  ["'a\\\\'", "string:'a\\\\'"],
  ["'a\\''b'", "string:'a\\''b'", '!ambiguous'],
  ["n'a' N'b'", "string:n'a'", "string:N'b'"],
  // E'' literals
  ["E'a\\'b' c", "estring:E'a\\'b'", 'word:c'],
  ["e'a\\\\' c", "estring:e'a\\\\'", 'word:c'],
  ["e'a''\\'' c", "estring:e'a''\\''", 'word:c'],
  ["E'a'\n'b\\'c' d", "estring:E'a'\n'b\\'c'", 'word:d'],
  ["E'a' 'b\\'c", "estring:E'a'", "string:'b\\'", 'word:c', '!ambiguous'],
  ["te'a'", 'word:te', "string:'a'"],
  ["E'\\", "estring:E'\\", '!unterminated'],
  // other literals
  ["U&'\\0061' u&'x''y'", "ustring:U&'\\0061'", "ustring:u&'x''y'"],
  ['U & "a"', 'word:U', 'op:&', 'quoted:"a"'],
  ["b'01' X'1F'", "bits:b'01'", "bits:X'1F'"],
  ["b'0''1'", "bits:b'0'", "string:'1'"],
  ["$$a'b$$c", "dollar:$$a'b$$", 'word:c'],
  ['$a$ $b$ $$ $a $a$b', 'dollar:$a$ $b$ $$ $a $a$', 'word:b'],
  ['$é1$x$é1$', 'dollar:$é1$x$é1$'],
  ['$A$x$a$', 'dollar:$A$x$a$', '!unterminated'],
  ['a$b$c', 'word:a$b$c'],
  ['$a b', 'other:$', 'word:a', 'word:b'],
  ['$ $', 'other:$', 'other:$'],
  ['$1$$x$$', 'param:$1', 'dollar:$$x$$'],
  // identifiers
  ['"a""b" "c', 'quoted:"a""b"', 'quoted:"c', '!unterminated'],
  ['"a\\"b"', 'quoted:"a\\"', 'word:b', 'quoted:"', '!unterminated'],
  ['"a"\n"b"', 'quoted:"a"', 'quoted:"b"'],
  ['U&"\\0061"(', 'uident:U&"\\0061"', '('],
  // operators and punctuation
  ['a::b:c:=1', 'word:a', 'cast:::', 'word:b', ':', 'word:c', ':', 'op:=', 'number:1'],
  ['(a[1],b.*);', '(', 'word:a', '[', 'number:1', ']', ',', 'word:b', '.', 'op:*', ')', ';'],
  ['a->>b @> c', 'word:a', 'op:->>', 'word:b', 'op:@>', 'word:c'],
  ['a \\ {', 'word:a', 'other:\\', 'other:{'],
  ['a\0b', 'word:a', 'other:\0', 'word:b', '!ambiguous'],
  ['a \ufffd', 'word:a', 'word:\ufffd', '!ambiguous'],
];

describe('tokenize', () => {
  for (const [sql, ...expected] of CASES) {
    it(`cuts ${JSON.stringify(sql)}`, () => {
      expect(shown(sql)).toEqual(expected);
    });
  }

  it('reads plain literals with backslash escapes when asked to', () => {
    expect(shown("'a\\'; c' d", { backslashQuotes: true })).toEqual(["estring:'a\\'; c'", 'word:d']);
    expect(shown("'a\\'; c' d")).toEqual(["string:'a\\'", ';', 'word:c', "string:' d", '!unterminated', '!ambiguous']);
  });

  it('survives any garbage, with tokens in order and nothing between them but space and comments', () => {
    const random = createRandom();
    for (let round = 0; round < 20_000; round++) {
      const sql = randomGarbage(random, 30);
      const tokens = tokenize(sql);
      let end = 0;
      for (let i = 0; i < tokens.count; i++) {
        const gap = sql.slice(end, tokens.starts[i]);
        if (gap.replace(/--[^\n\r]*/g, '').trim() !== '' && !gap.includes('/*')) {
          expect.fail(`seed ${random.seed}: lost ${JSON.stringify(gap)} of ${JSON.stringify(sql)}`);
        }
        expect(tokens.ends[i]).toBeGreaterThan(tokens.starts[i]!);
        end = tokens.ends[i]!;
      }
      expect(end).toBeLessThanOrEqual(sql.length);
    }
  });

  it('calls a text ambiguous whenever standard_conforming_strings moves a border', () => {
    const random = createRandom();
    let ambiguous = 0;
    for (let round = 0; round < 20_000; round++) {
      const sql = randomGarbage(random, 12).replace(/[\0\ufffd]/g, '');
      const borders = (options?: TokenizeOptions): string => {
        const { count, starts, ends } = tokenize(sql, options);
        return `${starts.slice(0, count)} ${ends.slice(0, count)}`;
      };
      if (tokenize(sql).isAmbiguous) ambiguous++;
      else if (borders() !== borders({ backslashQuotes: true })) {
        expect.fail(`seed ${random.seed}: not called ambiguous: ${JSON.stringify(sql)}`);
      }
    }
    expect(ambiguous).toBeGreaterThan(0);
  });
});
