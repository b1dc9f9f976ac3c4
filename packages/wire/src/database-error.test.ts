import { expect, test } from 'vitest';
import { encodeText } from './bytes/text.ts';
import { DatabaseError, databaseErrorFrom } from './database-error.ts';
import { type ErrorFields, encodeErrorResponse } from './messages/error-response.ts';
import { ProtocolError } from './protocol-error.ts';

const everything: ErrorFields = {
  severity: 'FEHLER',
  severityNonLocalized: 'ERROR',
  code: '23505',
  message: 'm',
  detail: 'd',
  hint: 'h',
  position: '1',
  internalPosition: '2',
  internalQuery: 'q',
  where: 'w',
  schema: 's',
  table: 't',
  column: 'c',
  dataType: 'y',
  constraint: 'n',
  file: 'f',
  line: '3',
  routine: 'r',
};

test('every field comes through', () => {
  const error = databaseErrorFrom(encodeErrorResponse(everything).subarray(5));
  expect(error).toBeInstanceOf(DatabaseError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject(everything);
  expect(error.kind).toBe('database');
  expect(error.name).toBe('DatabaseError');
});

test('it can be sent on as it came', () => {
  const message = encodeErrorResponse(everything);
  expect(encodeErrorResponse(databaseErrorFrom(message.subarray(5)))).toEqual(message);
});

test('fields that were not sent are undefined', () => {
  const error = databaseErrorFrom(encodeText('SERROR\0C42601\0Mx\0\0'));
  expect(error.detail).toBeUndefined();
  expect(error.constraint).toBeUndefined();
});

test.each([
  ['40001', true],
  ['40P01', true],
  ['53300', true],
  ['57P03', true],
  // Would fail again.
  ['23505', false],
  ['42601', false],
  ['25P02', false],
  // May have come after the commit.
  ['40003', false],
  ['57P01', false],
  ['08006', false],
  // Somebody wanted it to stop.
  ['57014', false],
])('%s is safe to retry: %s', (code, safe) => {
  expect(new DatabaseError({ severity: 'ERROR', code, message: '' }).safeToRetry).toBe(safe);
});

test('a malformed body is a ProtocolError', () => {
  expect(() => databaseErrorFrom(encodeText('SERROR'))).toThrow(ProtocolError);
});
