import { expect, test } from 'vitest';
import { protocolJson } from './protocol-json.ts';

const date = (value: string) => ({ $type: 'DateTime', value });

test('values as clients read them, in any depth', () => {
  const bytes = new Uint8Array([1]);
  expect(protocolJson([{ n: 1n, d: date('2024-01-02'), list: [bytes, null] }])).toBe(
    '[{"n":"1","d":{"$type":"DateTime","value":"2024-01-02T00:00:00.000Z"},"list":["AQ==",null]}]',
  );
  expect(protocolJson(undefined)).toBe('null');
});

test('a date that no Date can hold becomes an Invalid Date, and costs the others nothing', () => {
  const never = date('infinityT00:00:00Z');
  const json = { $type: 'Json', value: '{"$type":"DateTime"}' };
  const result = { a: never, rows: [{ b: [never, date('2024-01-02')], c: json, n: null, x: new Uint8Array([1]) }] };
  const told = JSON.parse(protocolJson(result));
  expect(new Date(told.a.value).getTime()).toBeNaN();
  expect(told).toEqual({
    a: date('infinity'),
    rows: [{ b: [date('infinity'), date('2024-01-02T00:00:00.000Z')], c: json, n: null, x: 'AQ==' }],
  });
});

test('what else cannot be written is an error', () => {
  expect(() => protocolJson({ $type: 'Json', value: 'no JSON' })).toThrow(SyntaxError);
});
