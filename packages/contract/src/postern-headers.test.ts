import { describe, expect, test } from 'vitest';
import { GatewayError } from './gateway-error.ts';
import { parseSqlExtensions, type SqlExtensions } from './postern-headers.ts';

const token = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_01234';

function parse(headers: Readonly<Record<string, string>>): SqlExtensions {
  return parseSqlExtensions((name) => headers[name]);
}

describe('parseSqlExtensions', () => {
  test('nothing asked for', () => {
    expect(parse({})).toEqual({ isStream: false, transaction: undefined });
  });

  test.each([
    ['true', true],
    ['True', false],
    ['1', false],
  ])('Postern-Stream: %s', (value, isStream) => {
    expect(parse({ 'postern-stream': value }).isStream).toBe(isStream);
  });

  test.each([
    [{ 'postern-transaction': 'begin' }, { kind: 'begin', end: undefined, timeoutMs: undefined }],
    [
      { 'postern-transaction': 'begin', 'postern-transaction-end': 'commit', 'postern-transaction-timeout': '1500' },
      { kind: 'begin', end: 'commit', timeoutMs: 1500 },
    ],
    [{ 'postern-transaction': token }, { kind: 'continue', end: undefined, token }],
    [
      { 'postern-transaction': token, 'postern-transaction-end': 'rollback' },
      { kind: 'continue', end: 'rollback', token },
    ],
  ])('%j', (headers, transaction) => {
    expect(parse(headers as unknown as Record<string, string>)).toEqual({ isStream: false, transaction });
  });

  test.each([
    { 'postern-transaction': '' },
    { 'postern-transaction': 'BEGIN' },
    { 'postern-transaction': token.slice(1) },
    { 'postern-transaction': `${token}=` },
    { 'postern-transaction': token, 'postern-transaction-end': 'COMMIT' },
    { 'postern-transaction': token, 'postern-transaction-timeout': '100' },
    { 'postern-transaction-end': 'commit' },
    { 'postern-transaction-timeout': '100' },
    { 'postern-transaction': 'begin', 'postern-transaction-timeout': '0' },
    { 'postern-transaction': 'begin', 'postern-transaction-timeout': '1e3' },
    { 'postern-transaction': 'begin', 'postern-transaction-timeout': '-1' },
    { 'postern-transaction': 'begin', 'postern-transaction-timeout': '9999999999' },
  ])('%j is refused without being repeated', (headers) => {
    const value = Object.values(headers).at(-1)!;
    try {
      parse(headers as unknown as Record<string, string>);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
      expect(error).toMatchObject({ code: 'invalid_header' });
      if (value.length > 10) expect(JSON.stringify(error) + (error as Error).message).not.toContain(value);
    }
  });
});
