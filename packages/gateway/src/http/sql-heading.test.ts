import { expect, test } from 'vitest';
import { createSqlHeadingReader } from './sql-heading.ts';

const headersOf = (url: string, more: Record<string, string> = {}) => {
  const headers: Record<string, string> = { 'neon-connection-string': url, ...more };
  return (name: string) => headers[name];
};

test('a remembered connection string means the same; the other headers are read each time', () => {
  const read = createSqlHeadingReader();
  const url = 'postgres://u:p@h/d?application_name=a&pool_timeout=1';
  const first = read(headersOf(url));
  const second = read(headersOf(url, { 'neon-array-mode': 'true', 'neon-batch-read-only': 'true' }));
  expect(second).toEqual({ ...first, isArrayMode: true, batch: { ...first.batch, isReadOnly: true } });
  expect(first.startupParameters).toEqual(
    new Map([
      ['application_name', 'a'],
      ['client_encoding', 'UTF8'],
    ]),
  );
  expect(read(headersOf(url.replace(':p@', ':q@'))).target.password).toBe('q');
});

test('a string without a password is refused again and again, and needs a token each time', () => {
  const read = createSqlHeadingReader();
  const url = 'postgres://u@h/d';
  const refusal = 'missing authentication credentials: required password';
  expect(() => read(headersOf(url))).toThrow(refusal);
  expect(read(headersOf(url, { authorization: 'Bearer t' })).bearerToken).toBe('t');
  expect(() => read(headersOf(url))).toThrow(refusal);
});

test('a wrong string stays wrong', () => {
  const read = createSqlHeadingReader();
  for (let round = 0; round < 2; round++) {
    expect(() => read(headersOf('postgres://u:p@h/d?pool_timeout=soon'))).toThrow('pool_timeout');
  }
});

test('the memory is bounded, and what was forgotten is read anew', () => {
  const read = createSqlHeadingReader({ maxConnectionStrings: 2 });
  const urls = ['a', 'b', 'c', 'x'.repeat(2000)].map((database) => `postgres://u:p@h/${database}`);
  const targets = urls.map((url) => read(headersOf(url)).target);
  const again = urls.map((url) => read(headersOf(url)).target);
  expect(again).toEqual(targets);
  // First in, first out: each had gone by the time it came again; only the latest two are known.
  expect(again.map((target, index) => target === targets[index])).toEqual([false, false, false, false]);
  expect(read(headersOf(urls[2]!)).target).toBe(again[2]);
});
