import { describe, expect, test } from 'vitest';
import { createJsonWriter } from './json-writer.ts';
import { writeValue } from './parsed-values.ts';
import { arrayFormat, builtInFormat, stringFormat } from './value-format.ts';

const utf8 = new TextEncoder();

/** The JSON that a value of a type with a fixed OID becomes; from the middle of a larger array. */
function parsed(typeOid: number, text: string): string {
  const bytes = utf8.encode(`}"${text}",`);
  const writer = createJsonWriter({ maxBytes: 10_000 });
  writeValue(writer, builtInFormat(typeOid)!, bytes, 2, bytes.length - 2);
  return new TextDecoder().decode(writer.finish());
}

const oid = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  money: 790,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
  bytea: 17,
  timestamptz: 1184,
  int2vector: 22,
  boolArray: 1000,
  int4Array: 1007,
  int8Array: 1016,
  textArray: 1009,
  float8Array: 1022,
  jsonbArray: 3807,
  boxArray: 1020,
};

describe('scalars', () => {
  test.each<[number, string, string]>([
    [oid.bool, 't', 'true'],
    [oid.bool, 'f', 'false'],
    [oid.int2, '-32768', '-32768'],
    [oid.int4, '2147483647', '2147483647'],
    [oid.int8, '9223372036854775807', '"9223372036854775807"'],
    [oid.oid, '4294967295', '"4294967295"'],
    [oid.numeric, '1.10', '"1.10"'],
    [oid.money, '$1.00', '"$1.00"'],
    [oid.float8, '1', '1.0'],
    [oid.float8, '-1', '-1.0'],
    [oid.float8, '42.42', '42.42'],
    [oid.float8, '1e+20', '1e+20'],
    [oid.float4, '1.5e-05', '1.5e-05'],
    [oid.float8, '-0', '-0.0'],
    [oid.float8, 'NaN', '"NaN"'],
    [oid.float8, 'Infinity', '"Infinity"'],
    [oid.float8, '-Infinity', '"-Infinity"'],
    [oid.json, '{"a": [1,\n"ä"]}', '{"a": [1,\n"ä"]}'],
    [oid.jsonb, 'null', 'null'],
    [oid.text, 'a"b', '"a\\"b"'],
    [oid.uuid, '00000000-0000-0000-0000-000000000000', '"00000000-0000-0000-0000-000000000000"'],
    [oid.bytea, '\\x00ff', '"\\\\x00ff"'],
    [oid.timestamptz, '2024-02-29 00:00:00+00', '"2024-02-29 00:00:00+00"'],
    [oid.int2vector, '1 2', '"1 2"'],
  ])('%d: %s', (typeOid, text, json) => {
    expect(parsed(typeOid, text)).toBe(json);
  });
});

describe('arrays', () => {
  test.each<[number, string, string]>([
    [oid.int4Array, '{}', '[]'],
    [oid.int4Array, '{1,NULL,-3}', '[1,null,-3]'],
    [oid.int4Array, '{{1,2},{3,4}}', '[[1,2],[3,4]]'],
    [oid.int4Array, '[0:1][-1:0]={{1,2},{3,4}}', '[[1,2],[3,4]]'],
    [oid.int8Array, '{1,2}', '["1","2"]'],
    [oid.boolArray, '{t,f,NULL}', '[true,false,null]'],
    [oid.float8Array, '{1,NaN,-Infinity,1.5}', '[1.0,"NaN","-Infinity",1.5]'],
    [oid.textArray, '{a,NULL,"NULL","","a,b","{}"}', '["a",null,"NULL","","a,b","{}"]'],
    [oid.textArray, '{"a\\"b\\\\c","line\nbreak",ä🐘,null_,NUL}', '["a\\"b\\\\c","line\\nbreak","ä🐘","null_","NUL"]'],
    [oid.textArray, '[5:5]={"=["}', '["=["]'],
    [oid.jsonbArray, '{"{\\"a\\": [1, \\"b\\\\\\\\c\\"]}",NULL,1}', '[{"a": [1, "b\\\\c"]},null,1]'],
    [oid.boxArray, '{(1,1),(0,0);(2,2),(1,1)}', '["(1,1),(0,0)","(2,2),(1,1)"]'],
  ])('%d: %s', (typeOid, text, json) => {
    expect(parsed(typeOid, text)).toBe(json);
    expect(() => JSON.parse(json)).not.toThrow();
  });

  test.each(['', 'x', '1,2', '{', '{1', '{{1}', '{"', '{"a', '{"a\\', '[1:2]', '[1:2]=', '{1,'])(
    'refuses %j',
    (text) => {
      expect(() => parsed(oid.textArray, text)).toThrow(
        expect.objectContaining({
          code: 'protocol_violation',
          message: 'could not parse postgres response: malformed array',
        }),
      );
    },
  );
});

describe('builtInFormat', () => {
  test('knows fixed OIDs and leaves others to the database', () => {
    expect(builtInFormat(oid.int2vector)).toBe(stringFormat);
    expect(builtInFormat(9999)).toBe(stringFormat);
    expect(builtInFormat(10_000)).toBeUndefined();
    expect(builtInFormat(16_384)).toBeUndefined();
    expect(arrayFormat(16_384, 0x2c)).toEqual({ kind: 'array', element: stringFormat, delimiter: 0x2c });
  });
});
