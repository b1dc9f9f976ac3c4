import { describe, expect, test } from 'vitest';
import { type ArgumentType, encodeArgument } from './argument.ts';

const scalar = (scalarType: string, dbType?: string): ArgumentType => ({ scalarType, dbType, arity: 'scalar' });
const list = (scalarType: string, dbType?: string): ArgumentType => ({ scalarType, dbType, arity: 'list' });
const instant = '2024-01-02T03:04:05.678Z';

test.each<[string, unknown, ArgumentType | undefined, string | null]>([
  ['null', null, scalar('string'), null],
  ['undefined', undefined, undefined, null],
  ['text', 'a', scalar('string', 'TEXT'), 'a'],
  ['text that was cut within a pair', '\ud83d\ude00 \ud83d', scalar('string'), '\ud83d\ude00 \ufffd'],
  ['the other half of one', '\udc80\ud83d\ude00', scalar('unknown'), '\ufffd\ud83d\ude00'],
  ['a list of such', ['\ud83d', 'a'], list('string'), '{\ufffd,a}'],
  ['number', 1.5, scalar('float'), '1.5'],
  ['bigint', 12345678901234567890n, scalar('bigint'), '12345678901234567890'],
  ['boolean', false, scalar('boolean'), 'false'],
  ['json', '{"a":1}', scalar('json', 'JSONB'), '{"a":1}'],
  ['object', { a: 1 }, scalar('json'), '{"a":1}'],
  ['timestamp', instant, scalar('datetime', 'TIMESTAMP'), '2024-01-02 03:04:05.678'],
  ['timestamptz', instant, scalar('datetime', 'TIMESTAMPTZ'), '2024-01-02 03:04:05.678+00'],
  ['a time with an offset', '2024-01-02T05:04:05+02:00', scalar('datetime', 'TIMESTAMP'), '2024-01-02 03:04:05'],
  [
    'microseconds',
    '2024-01-02T03:04:05.678901+00:00',
    scalar('datetime', 'TIMESTAMPTZ'),
    '2024-01-02 03:04:05.678901+00',
  ],
  ['a few of them', '1969-12-31T23:59:59.00001+00:00', scalar('datetime', 'TIMESTAMP'), '1969-12-31 23:59:59.00001'],
  [
    'a list with microseconds',
    ['2024-01-02T03:04:05.6789+00:00'],
    list('datetime', 'TIMESTAMP'),
    '{"2024-01-02 03:04:05.6789"}',
  ],
  [
    'a program’s microseconds',
    '2024-01-02T03:04:05.678901Z',
    scalar('datetime', 'TIMESTAMP'),
    '2024-01-02 03:04:05.678',
  ],
  ['date', instant, scalar('datetime', 'DATE'), '2024-01-02'],
  ['time', instant, scalar('datetime', 'TIME'), '03:04:05.678'],
  ['timetz', instant, scalar('datetime', 'TIMETZ'), '03:04:05.678+00'],
  ['a Date of a raw query', new Date(instant), scalar('datetime'), '2024-01-02 03:04:05.678+00'],
  ['a Date without a type', new Date(instant), undefined, '2024-01-02 03:04:05.678+00'],
  ['what no Date is', 'infinity', scalar('datetime', 'TIMESTAMP'), 'infinity'],
  ['a year before Christ', '-000043-03-15T12:00:00Z', scalar('datetime', 'TIMESTAMPTZ'), '0044-03-15 12:00:00+00 BC'],
  ['a year of five digits', '+012024-01-02T00:00:00Z', scalar('datetime', 'DATE'), '12024-01-02'],
  ['base64', 'AP8=', scalar('bytes', 'BYTEA'), '\\x00ff'],
  ['a view of bytes', new Uint8Array([9, 0, 255]).subarray(1), scalar('bytes'), '\\x00ff'],
  ['an ArrayBuffer', new Uint8Array([1]).buffer, scalar('bytes'), '\\x01'],
  ['bytes that were read as numbers', [0, 255], scalar('bytes'), '\\x00ff'],
  ['a list of numbers', [1, null, 3], list('int'), '{1,NULL,3}'],
  ['a list of texts', ['a b', 'null', '', '"', '\\'], list('string'), '{"a b","null","","\\"","\\\\"}'],
  ['a list of times', [instant], list('datetime', 'TIMESTAMPTZ'), '{"2024-01-02 03:04:05.678+00"}'],
  ['a list of bytes', ['AP8=', null], list('bytes'), '{"\\\\x00ff",NULL}'],
  ['a list of bytes read as numbers', [[0, 255]], list('bytes'), '{"\\\\x00ff"}'],
  ['an array in a raw query', [1, 2], scalar('unknown'), '{1,2}'],
  ['an empty list', [], list('int'), '{}'],
  ['lists in a list', [[1], [2]], list('int'), '{{1},{2}}'],
  ['a Decimal', { s: 1, e: 30, d: [1], toFixed: () => '1000000' }, scalar('decimal'), '1000000'],
])('%s', (_name, value, type, text) => {
  expect(encodeArgument(value, type)).toBe(text);
});

describe('what has no text', () => {
  test.each([() => {}, Symbol('x')])('%s', (value) => {
    expect(() => encodeArgument(value, scalar('string'))).toThrow(TypeError);
  });
});
