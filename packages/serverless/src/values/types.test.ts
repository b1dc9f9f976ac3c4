// Value by value against the parsers inside the official driver.
import { types as theirs } from '@neondatabase/serverless';
import { expect, test } from 'vitest';
import { types } from './types.ts';

const times = ['00:00:00', '23:59:59.999999', '12:34:56.7', '01:02:03.000001'];
const offsets = ['', '+00', '-08', '+05:30', '-00:44:30', '+14'];
const days = [
  '2024-02-29',
  '0001-01-01',
  '0044-03-15',
  '0099-12-31',
  '1969-12-31',
  '1883-11-18',
  '9999-12-31',
  '12345-06-07',
];
const stamps = days.flatMap((day) =>
  times.flatMap((time) => offsets.flatMap((offset) => [`${day} ${time}${offset}`, `${day} ${time}${offset} BC`])),
);
// The last two are of other DateStyles.
const dates = [...days, ...days.map((day) => `${day} BC`), 'infinity', '-infinity', '02-29-2024', '29.02.2024'];
const intervals = [
  '00:00:00',
  '1 year',
  '-1 years',
  '2 years 3 mons -4 days',
  '01:02:03',
  '-01:02:03',
  '1 day -00:00:00.5',
  '3 days 04:05:06.789012',
  '1 mon',
  '-2 mons',
  '100:00:00',
  '00:00:00.000001',
  '1 year 2 mons 3 days 04:05:06',
  '-1 days +02:03:04',
  '1 mon -1 days +00:00:00.1',
  '',
];
const array = (elements: readonly string[]): string =>
  `{${elements.map((element) => (element === 'NULL' ? element : `"${element.replace(/[\\"]/g, '\\$&')}"`)).join(',')}}`;
const texts = [
  '{}',
  '{a,b}',
  '{NULL,"NULL",null}',
  '{"",a b,"a\\"b\\\\c"}',
  '{{1,2},{3,4}}',
  '[0:1]={5,6}',
  '[1:1][-2:-1]={{1,2}}',
  '{"{x}","a,b"}',
  '{é,"日本"}',
];
const numbers = ['{1,-2,NULL}', '{{1},{2}}', '{}', '[5:6]={7,8}'];

const samples: readonly (readonly [number, readonly string[]])[] = [
  [16, ['t', 'f', 'true', 'TRUE', 'x']],
  [17, ['\\x', '\\x00ff10', 'abc', 'a\\\\b\\000\\377']],
  [20, ['0', '-1', '9223372036854775807']],
  [21, ['0', '-32768']],
  [23, ['2147483647', '-1']],
  [26, ['4294967295']],
  [700, ['1.5', 'NaN', 'Infinity', '-Infinity', '1e-30']],
  [701, ['0.1', '-0', '1.7976931348623157e+308']],
  [1700, ['0.1', 'NaN', '123456789012345678901234567890']],
  [1082, dates],
  [1114, [...stamps, 'infinity', '-infinity', 'garbage']],
  [1184, [...stamps, 'infinity']],
  [1182, [array(dates), array(['NULL'])]],
  [1115, [array(stamps)]],
  [1185, [array(stamps)]],
  [1186, intervals],
  [1187, [array(intervals.filter(Boolean)), '{NULL}']],
  [600, ['(1,2)', '(-1.5,1e10)', '(NaN,Infinity)']],
  [1017, ['{"(1,2)",NULL}']],
  [718, ['<(1,2),3>', '<(-1.5,2.25),0.5>']],
  [114, ['{"a":[1,null]}', '"x"', 'null']],
  [3802, ['{"a": 1}', '[]']],
  [199, ['{"{\\"a\\":1}",NULL,"null"}']],
  [3807, ['{"[1, 2]","\\"x\\""}']],
  [1000, ['{t,f,NULL}', '{{t},{f}}']],
  [1001, ['{"\\\\x00ff",NULL}']],
  ...[1005, 1007, 1028, 1016].map((oid) => [oid, numbers] as const),
  ...[1021, 1022, 1231].map((oid) => [oid, ['{1.5,NaN,NULL,Infinity}', '{{1},{2e3}}']] as const),
  ...[651, 1008, 1009, 1014, 1015, 1040, 1041, 3907, 2951, 791, 1183, 1270].map((oid) => [oid, texts] as const),
  // Left alone by both: unknown types and the arrays of those.
  ...[25, 705, 869, 1013, 1020, 1561, 2950, 3904, 3908, 99_999].map((oid) => [oid, ['x', '{a,b}']] as const),
];

test.each(samples)('type %d', (oid, values) => {
  for (const value of values) {
    expect([value, types.getTypeParser(oid)(value)]).toEqual([value, theirs.getTypeParser(oid)(value)]);
  }
});

test('intervals write themselves alike', () => {
  for (const text of intervals) {
    const [ours, other] = [types, theirs].map(
      (parsers) => parsers.getTypeParser(1186)(text) as Record<string, () => string>,
    );
    for (const method of ['toPostgres', 'toISO', 'toISOString'])
      expect([text, ours?.[method]?.()]).toEqual([text, other?.[method]?.()]);
    // In the same order, too: it is seen in JSON.
    expect(JSON.stringify(ours)).toBe(JSON.stringify(other));
  }
});

test('every type pg-types knows is in the list', () => {
  const listed = new Set(samples.map(([oid]) => oid));
  for (let oid = 1; oid < 10_000; oid++) {
    if (theirs.getTypeParser(oid) !== theirs.getTypeParser(99_999)) expect(listed).toContain(oid);
  }
});

test('malformed arrays throw instead of hanging', () => {
  for (const text of ['', '{', '{"a', '{a', '{{a}', '{"a\\']) expect(() => types.getTypeParser(1009)(text)).toThrow();
});

test('long elements of arrays do not run out of stack', () => {
  const element = '"\\'.repeat(2_000_000);
  expect(types.getTypeParser(1009)(array([element]))).toEqual([element]);
});

test('setTypeParser is for the whole program; binary parsers are the program’s own', () => {
  const before = types.getTypeParser(3220);
  types.setTypeParser(3220, (text) => `lsn ${text}`);
  types.setTypeParser(3220, 'binary', () => 'bytes');
  expect([types.getTypeParser(3220)('0/1'), types.getTypeParser(3220, 'binary')('')]).toEqual(['lsn 0/1', 'bytes']);
  types.setTypeParser(3220, before);
});
