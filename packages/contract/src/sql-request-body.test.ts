import { describe, expect, test } from 'vitest';
import { parseSqlRequestBody, type SqlStatement } from './sql-request-body.ts';

const single = (text: string): SqlStatement => {
  const body = parseSqlRequestBody(text);
  if (body.kind !== 'single') throw new Error('a batch');
  return body.statement;
};

/** The text that one JSON parameter becomes. */
const param = (json: string) => single(`{"query":"q","params":[${json}]}`).params[0];

describe('parseSqlRequestBody', () => {
  test.each<[string, SqlStatement]>([
    ['{"query":"select 1"}', { query: 'select 1', params: [], arrayMode: undefined }],
    ['{"query":"select $1","params":["a",null]}', { query: 'select $1', params: ['a', null], arrayMode: undefined }],
    ['{"query":"","params":[],"arrayMode":true,"more":{}}', { query: '', params: [], arrayMode: true }],
    ['{"query":"q","arrayMode":null}', { query: 'q', params: [], arrayMode: undefined }],
    ['{"query":"q","queries":[]}', { query: 'q', params: [], arrayMode: undefined }],
    [' {"params":["\\ud83d\\udc18"], "query":"q"}\n', { query: 'q', params: ['🐘'], arrayMode: undefined }],
  ])('single: %s', (text, statement) => {
    expect(parseSqlRequestBody(text)).toEqual({ kind: 'single', statement });
  });

  test('begin: what Neon cannot read', () => {
    expect(single('{"begin":{"query":"q","params":[12345678901234567890]}}')).toEqual({
      query: 'q',
      params: ['12345678901234567890'],
      arrayMode: undefined,
    });
    expect(parseSqlRequestBody('{"begin":null}')).toEqual({ kind: 'batch', statements: [] });
    expect(() => parseSqlRequestBody('{"begin":{}}')).toThrow('in "begin", "query" is not a string');
  });

  test('batch', () => {
    const text = '{"query":7,"queries":[{"query":"a","params":["1"]},{"query":"b","params":[2],"arrayMode":false}]}';
    expect(parseSqlRequestBody(text)).toEqual({
      kind: 'batch',
      statements: [
        { query: 'a', params: ['1'], arrayMode: undefined },
        { query: 'b', params: ['2'], arrayMode: false },
      ],
    });
    expect(parseSqlRequestBody('{"queries":[]}')).toEqual({ kind: 'batch', statements: [] });
  });

  test.each([
    ['', 'it is not valid JSON'],
    ['{"query":"secret', 'it is not valid JSON'],
    ['[]', 'it is not an object'],
    ['null', 'it is not an object'],
    ['"select 1"', 'it is not an object'],
    ['{}', 'it has neither "query" nor "queries"'],
    ['{"query":1}', '"query" is not a string'],
    ['{"query":"q","params":null}', '"params" is not an array'],
    ['{"query":"q","params":{}}', '"params" is not an array'],
    ['{"query":"q","arrayMode":1}', '"arrayMode" is neither true nor false'],
    ['{"queries":{}}', 'it has neither "query" nor "queries"'],
    ['{"queries":[1]}', 'in "queries" [0], an object is expected'],
    ['{"queries":[{"query":"q"},{}]}', 'in "queries" [1], "query" is not a string'],
    ['{"query":"q","params":["\\ud83d"]}', 'a string holds half of a surrogate pair'],
    ['{"query":"\\uDC18"}', 'a string holds half of a surrogate pair'],
    ['{"query":"q","params":[1e999]}', '"params" [0]: number out of range'],
    [`{"query":"q","params":${'['.repeat(200)}${']'.repeat(200)}}`, 'it is nested deeper than 128 levels'],
  ])('refuses %s', (text, reason) => {
    expect(() => parseSqlRequestBody(text)).toThrow(
      expect.objectContaining({ code: 'invalid_body', message: `could not parse the HTTP request body: ${reason}` }),
    );
  });

  test('refuses what the protocol cannot carry', () => {
    const code = 'invalid_statement';
    expect(() => single('{"query":"select 1\\u0000; drop table t"}')).toThrow(
      expect.objectContaining({ code, message: '"query" contains a NUL character' }),
    );
    const many = JSON.stringify({ query: 'q', params: new Array(65_536).fill('1') });
    expect(() => single(many)).toThrow(
      expect.objectContaining({ code, message: '"params" has 65536 elements; Postgres takes at most 65535' }),
    );
    expect(single(JSON.stringify({ query: 'q', params: new Array(65_535).fill('1') })).params).toHaveLength(65_535);
  });

  test('survives very deep nesting where nothing looks at it', () => {
    expect(single(`{"query":"q","x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`).query).toBe('q');
  });
});

describe('parameters', () => {
  test.each<[string, string | null]>([
    ['null', null],
    ['true', 'true'],
    ['false', 'false'],
    ['""', ''],
    ['"a\\"\\\\b\\n"', 'a"\\b\n'],
    ['42', '42'],
    ['-7', '-7'],
    ['9007199254740993', '9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '1.8446744073709552e19'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['-9223372036854775809', '-9.223372036854776e18'],
    ['1.0', '1.0'],
    ['-0', '-0.0'],
    ['0.0', '0.0'],
    ['1.50', '1.5'],
    ['-12.34', '-12.34'],
    ['1e2', '100.0'],
    ['1234E7', '12340000000.0'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e16'],
    ['1.234e33', '1.234e33'],
    ['0.001234', '0.001234'],
    ['1e-5', '0.00001'],
    ['1e-6', '1e-6'],
    ['1.5e-7', '1.5e-7'],
    ['{}', '{}'],
    ['{"b":1,"a":[true,null,"x\\n",{"d":2.0,"c":{}}]}', '{"a":[true,null,"x\\n",{"c":{},"d":2.0}],"b":1}'],
    ['{"__proto__":1,"constructor":2}', '{"__proto__":1,"constructor":2}'],
    ['[]', '{}'],
    // Neon's own test vectors.
    ['[true,false,null,"NULL",42,"foo","bar\\"-\\\\"]', '{true,false,NULL,"NULL",42,"foo","bar\\"-\\\\"}'],
    ['[[true,false],[null,42],["foo","bar\\"-\\\\"]]', '{{true,false},{NULL,42},{"foo","bar\\"-\\\\"}}'],
    ['[{"foo":1},{"bar":2}]', '{"{\\"foo\\":1}","{\\"bar\\":2}"}'],
    // JSON's \n is not an escape of Postgres arrays.
    ['["a\\nb\\u00e4"]', '{"a\nbä"}'],
  ])('%s', (json, text) => {
    expect(param(json)).toBe(text);
    expect(param(` ${json}\t`)).toBe(text);
  });

  test.each([
    ['[42, "x", null, -7]', ['42', 'x', null, '-7']],
    ['[42, 1.0]', ['42', '1.0']],
    ['[42, 4.2e1]', ['42', '42.0']],
    ['[42, -0]', ['42', '-0.0']],
    ['[42, 9007199254740993]', ['42', '9007199254740993']],
    ['[42, true]', ['42', 'true']],
    ['[42, "1.5e3"]', ['42', '1.5e3']],
  ])('integers beside others: %s', (params, texts) => {
    expect(single(`{"query":"q","params":${params}}`).params).toEqual(texts);
  });

  test('brackets, quotes and escapes inside strings do not confuse the exact parser', () => {
    const tricky = ['a]}"\\', '\\"', '{"x":[1,2', '\u2028\u0001', ''];
    const value = [1, { [tricky[0]!]: tricky, e: [] }, tricky, 2];
    const text = JSON.stringify({ query: 'q', other: value, params: [3, ...tricky, { tricky }] }, null, 2);
    expect(single(text).params).toEqual(['3', ...tricky, JSON.stringify({ tricky })]);
  });
});
