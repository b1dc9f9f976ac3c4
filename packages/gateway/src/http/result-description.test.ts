import { encodeRowDescription } from '@postern/wire';
import { expect, test } from 'vitest';
import { createDescribeResult, type ResultFormat } from './result-description.ts';
import { createTypeCatalogue } from './type-catalogue.ts';
import { stringFormat } from './value-format.ts';

const raw: ResultFormat = { isRaw: true, catalogue: createTypeCatalogue() };
const parsed: ResultFormat = { isRaw: false, catalogue: createTypeCatalogue() };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The body of the message: names and types of the columns. */
function bodyOf(...columns: [name: string, dataTypeID: number][]): Uint8Array {
  return encodeRowDescription(columns.map(([name, dataTypeID]) => ({ name, dataTypeID }))).subarray(5);
}

test('the same message is described once, in whatever memory it comes', () => {
  const describe = createDescribeResult();
  const body = bodyOf(['a', 23], ['b', 25]);
  const first = describe(body, raw, false);
  expect(JSON.parse(`${text(first.start)}]}`)).toMatchObject({
    fields: [
      { name: 'a', dataTypeID: 23 },
      { name: 'b', dataTypeID: 25 },
    ],
    rows: [],
  });
  expect(describe(body.slice(), raw, false)).toBe(first);
  body.fill(0xff);
  expect(describe(bodyOf(['a', 23], ['b', 25]), raw, false)).toBe(first);
});

test('another message, format or row shape is not the same', () => {
  const describe = createDescribeResult();
  const names = ['a', 'b'].map((name) => text(describe(bodyOf([name, 23]), raw, false).start));
  expect(names.map((start) => JSON.parse(`${start}]}`).fields[0].name)).toEqual(['a', 'b']);
  const body = bodyOf(['a', 23]);
  const formatOf = (format: ResultFormat): string | undefined => describe(body, format, false).columns[0]?.format.kind;
  expect([formatOf(raw), formatOf(parsed), formatOf(raw)]).toEqual(['string', 'integer', 'string']);
  const prefixLength = (isArrayMode: boolean): number | undefined =>
    describe(body, raw, isArrayMode).columns[0]?.prefix.length;
  expect([prefixLength(false), prefixLength(true), prefixLength(false)]).toEqual(['{"a":'.length, 1, '{"a":'.length]);
});

test('a type that becomes known later is then described as what it is', () => {
  const describe = createDescribeResult();
  const catalogue = createTypeCatalogue();
  const format = { isRaw: false, catalogue };
  const body = bodyOf(['a', 20_000]);
  const unknown = describe(body, format, false);
  expect(unknown.unknownTypes).toEqual([20_000]);
  expect(unknown.columns[0]?.format).toBe(stringFormat);
  catalogue.learn([20_000], [{ typeOid: 20_000, elementOid: 23, delimiter: 0x2c }]);
  const known = describe(body, format, false);
  expect(known.unknownTypes).toEqual([]);
  expect(known.columns[0]?.format.kind).toBe('array');
  // Of another database the same number can be another type.
  expect(describe(body, parsed, false).unknownTypes).toEqual([20_000]);
});

test('a long message is described, and not kept', () => {
  const describe = createDescribeResult();
  const body = bodyOf(...Array.from({ length: 200 }, (_, i): [string, number] => [`column${i}`, 23]));
  expect(describe(body, raw, false)).not.toBe(describe(body, raw, false));
});

test.each([
  ['empty', new Uint8Array(0)],
  ['more columns than there are', Uint8Array.of(0, 2, 0x61, 0, ...new Array(18).fill(0))],
  ['something behind the last column', Uint8Array.of(...bodyOf(['a', 23]), 0)],
  ['a name without an end', Uint8Array.of(0, 1, 0x61, 0x61)],
])('malformed: %s', (_, body) => {
  expect(() => createDescribeResult()(body, raw, false)).toThrow('malformed RowDescription message');
});
