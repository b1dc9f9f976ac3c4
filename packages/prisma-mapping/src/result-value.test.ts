import { Oid } from '@postern/wire';
import { describe, expect, test } from 'vitest';
import { ColumnType, columnTypeOf } from './column-type.ts';
import { valueDecoder } from './result-value.ts';
import { typeName } from './type-name.ts';

const decode = (oid: number, text: string) => valueDecoder(oid)(text);

test.each([
  [Oid.int2, '-32768', ColumnType.Int32, -32768],
  [Oid.int4, '2147483647', ColumnType.Int32, 2147483647],
  [Oid.int8, '9223372036854775807', ColumnType.Int64, '9223372036854775807'],
  [Oid.oid, '4294967295', ColumnType.Int64, '4294967295'],
  [Oid.float4, '1.5', ColumnType.Float, 1.5],
  [Oid.float8, '1e+300', ColumnType.Double, 1e300],
  [Oid.float8, 'NaN', ColumnType.Double, Number.NaN],
  [Oid.float8, '-Infinity', ColumnType.Double, Number.NEGATIVE_INFINITY],
  [Oid.numeric, '12345678901234567890.123456789', ColumnType.Numeric, '12345678901234567890.123456789'],
  [Oid.money, '$1,234.50', ColumnType.Numeric, '1234.50'],
  [Oid.money, '-$0.05', ColumnType.Numeric, '-0.05'],
  [Oid.money, '1.234,50 €', ColumnType.Numeric, '1234.50'],
  [Oid.money, '￥1,234', ColumnType.Numeric, '1234'],
  [Oid.bool, 't', ColumnType.Boolean, true],
  [Oid.bool, 'f', ColumnType.Boolean, false],
  [Oid.char, 'r', ColumnType.Character, 'r'],
  [Oid.bpchar, 'ab  ', ColumnType.Text, 'ab  '],
  [Oid.text, '', ColumnType.Text, ''],
  [Oid.varchar, 'ü', ColumnType.Text, 'ü'],
  [Oid.name, 'pg_class', ColumnType.Text, 'pg_class'],
  [Oid.regclass, 'pg_class', ColumnType.Text, 'pg_class'],
  [Oid.oidvector, '23 25', ColumnType.Text, '23 25'],
  [Oid.bit, '101', ColumnType.Text, '101'],
  [Oid.varbit, '1', ColumnType.Text, '1'],
  [Oid.inet, '10.0.0.1/8', ColumnType.Text, '10.0.0.1/8'],
  [Oid.cidr, '10.0.0.0/8', ColumnType.Text, '10.0.0.0/8'],
  [Oid.xml, '<a/>', ColumnType.Text, '<a/>'],
  [Oid.json, '{"a": 1}', ColumnType.Json, '{"a": 1}'],
  [Oid.jsonb, 'null', ColumnType.Json, 'null'],
  [Oid.uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ColumnType.Uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  [Oid.bytea, '\\x00ff', ColumnType.Bytes, [0, 255]],
  [Oid.date, '2024-02-29', ColumnType.Date, '2024-02-29'],
  [Oid.time, '03:04:05.678901', ColumnType.Time, '03:04:05.678901'],
  [Oid.timetz, '03:04:05+00', ColumnType.Time, '03:04:05'],
  [Oid.timetz, '03:04:05.6+05:30', ColumnType.Time, '21:34:05.6'],
  [Oid.timetz, '23:00:00-03', ColumnType.Time, '02:00:00'],
  [Oid.timestamp, '2024-01-02 03:04:05.678', ColumnType.DateTime, '2024-01-02T03:04:05.678+00:00'],
  [Oid.timestamp, 'infinity', ColumnType.DateTime, 'infinity'],
  [Oid.timestamptz, '2024-01-02 03:04:05.678901+00', ColumnType.DateTime, '2024-01-02T03:04:05.678901+00:00'],
  [Oid.timestamptz, '2024-01-02 03:04:05+05:30', ColumnType.DateTime, '2024-01-01T21:34:05+00:00'],
  [Oid.timestamptz, '2024-12-31 22:00:00.5-03', ColumnType.DateTime, '2025-01-01T01:00:00.5+00:00'],
  [Oid.timestamptz, '1880-01-01 00:00:00+00:53:28', ColumnType.DateTime, '1879-12-31T23:06:32+00:00'],
  [Oid.timestamptz, '0044-03-15 12:00:00+00 BC', ColumnType.DateTime, '-000043-03-15T12:00:00+00:00'],
  [Oid.timestamptz, '12024-01-02 03:04:05+01', ColumnType.DateTime, '+012024-01-02T02:04:05+00:00'],
  [Oid.timestamptz, '12024-01-02 03:04:05.5+00', ColumnType.DateTime, '+012024-01-02T03:04:05.5+00:00'],
  [Oid.timestamp, '12024-01-02 03:04:05', ColumnType.DateTime, '+012024-01-02T03:04:05+00:00'],
  [Oid.timestamp, '0044-03-15 12:00:00 BC', ColumnType.DateTime, '-000043-03-15T12:00:00+00:00'],
  [Oid.date, '0044-03-15 BC', ColumnType.Date, '-000043-03-15'],
  [Oid.date, '12024-01-02', ColumnType.Date, '+012024-01-02'],
  [Oid.date, '-infinity', ColumnType.Date, '-infinity'],
  // Beyond what a Date can hold.
  [Oid.date, '5874897-12-31', ColumnType.Date, '5874897-12-31'],
  [Oid.timestamptz, '294276-12-31 23:59:59+01', ColumnType.DateTime, '294276-12-31 23:59:59+01'],
  [Oid.int4Array, '{1,NULL,3}', ColumnType.Int32Array, [1, null, 3]],
  [
    Oid.int2Array,
    '{{1,2},{3,4}}',
    ColumnType.Int32Array,
    [
      [1, 2],
      [3, 4],
    ],
  ],
  [Oid.int8Array, '{9007199254740993}', ColumnType.Int64Array, ['9007199254740993']],
  [Oid.oidArray, '{1}', ColumnType.Int64Array, ['1']],
  [Oid.float4Array, '{1.5}', ColumnType.FloatArray, [1.5]],
  [Oid.float8Array, '{NaN}', ColumnType.DoubleArray, [Number.NaN]],
  [Oid.numericArray, '{1.50}', ColumnType.NumericArray, ['1.50']],
  [Oid.moneyArray, '{"$1,000.00"}', ColumnType.NumericArray, ['1000.00']],
  [Oid.boolArray, '{t,f}', ColumnType.BooleanArray, [true, false]],
  [Oid.charArray, '{a}', ColumnType.CharacterArray, ['a']],
  [Oid.textArray, '{"a \\"b\\"",NULL,"NULL",""}', ColumnType.TextArray, ['a "b"', null, 'NULL', '']],
  [Oid.nameArray, '{a}', ColumnType.TextArray, ['a']],
  [Oid.varcharArray, '{}', ColumnType.TextArray, []],
  [Oid.dateArray, '{2024-01-02}', ColumnType.DateArray, ['2024-01-02']],
  [Oid.dateArray, '{"0044-03-15 BC",NULL}', ColumnType.DateArray, ['-000043-03-15', null]],
  [Oid.timeArray, '{03:04:05}', ColumnType.TimeArray, ['03:04:05']],
  [Oid.timetzArray, '{03:04:05+01}', ColumnType.TimeArray, ['02:04:05']],
  [Oid.timestampArray, '{"2024-01-02 03:04:05"}', ColumnType.DateTimeArray, ['2024-01-02T03:04:05+00:00']],
  [Oid.timestamptzArray, '{"2024-01-02 03:04:05+01"}', ColumnType.DateTimeArray, ['2024-01-02T02:04:05+00:00']],
  [Oid.jsonArray, '{"{\\"a\\":1}"}', ColumnType.JsonArray, ['{"a":1}']],
  [Oid.jsonbArray, '{1}', ColumnType.JsonArray, ['1']],
  [Oid.byteaArray, '{"\\\\x0001",NULL}', ColumnType.BytesArray, [[0, 1], null]],
  [
    Oid.uuidArray,
    '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
    ColumnType.UuidArray,
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ],
])('type %i: %s', (oid, text, type, value) => {
  expect(columnTypeOf(oid)).toBe(type);
  expect(decode(oid, text)).toEqual(value);
});

test('dates are read back as the instant they were', () => {
  for (const text of ['0044-03-15 12:00:00+00 BC', '12024-01-02 03:04:05+01', '2024-01-02 03:04:05.5-07']) {
    expect(new Date(decode(Oid.timestamptz, text) as string).getTime()).not.toBeNaN();
  }
});

describe('types without a rule', () => {
  test('user-defined ones are text', () => {
    expect([columnTypeOf(16_384), columnTypeOf(123_456)]).toEqual([ColumnType.Text, ColumnType.Text]);
    expect(decode(123_456, 'happy')).toBe('happy');
  });

  test('built-in ones that Prisma cannot name are refused, by their name', () => {
    const oids = [Oid.interval, Oid.point, Oid.tsvector, Oid.int4range, Oid.macaddr];
    expect(oids.map(columnTypeOf)).toEqual(oids.map(() => undefined));
    expect([...oids, Oid.pointArray, 9_999].map(typeName)).toEqual([
      'interval',
      'point',
      'tsvector',
      'int4range',
      'macaddr',
      '_point',
      'Unknown',
    ]);
  });
});

test('bytes as views, for runtimes that take them', () => {
  expect(valueDecoder(Oid.bytea, { bytes: 'view' })('\\x0102')).toEqual(new Uint8Array([1, 2]));
  expect(valueDecoder(Oid.byteaArray, { bytes: 'view' })('{"\\\\x01"}')).toEqual([new Uint8Array([1])]);
});
