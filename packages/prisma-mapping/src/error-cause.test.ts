import { describe, expect, test } from 'vitest';
import { connectionCause, httpStatusCause } from './connection-cause.ts';
import { databaseCause, type PostgresErrorFields } from './database-cause.ts';
import { DriverAdapterError, isDriverAdapterError } from './error-cause.ts';
import { beginStatement, isIsolationLevel } from './isolation.ts';

/** An error as Postgres raises it. */
function raised(code: string, message: string, more: Partial<PostgresErrorFields> = {}): PostgresErrorFields {
  return { code, message, severity: 'ERROR', file: 'x.c', routine: 'f', ...more };
}

const duplicate = raised('23505', 'duplicate key value violates unique constraint "User_a_b_key"', {
  detail: 'Key (a, b)=(1, 2) already exists.',
  constraint: 'User_a_b_key',
  table: 'User',
});

test.each<[PostgresErrorFields, object]>([
  [raised('22001', 'value too long', { column: 'c' }), { kind: 'LengthMismatch', column: 'c' }],
  [raised('22003', 'integer out of range'), { kind: 'ValueOutOfRange', cause: 'integer out of range' }],
  [raised('22P02', 'invalid input syntax'), { kind: 'InvalidInputValue', message: 'invalid input syntax' }],
  [duplicate, { kind: 'UniqueConstraintViolation', constraint: { index: 'User_a_b_key' }, table: 'User' }],
  [
    raised('23505', 'duplicate', { detail: 'Key (a)=(1) already exists.' }),
    { kind: 'UniqueConstraintViolation', constraint: { fields: ['a'] } },
  ],
  [raised('23502', 'null value in column "a"', { column: 'a' }), { kind: 'NullConstraintViolation' }],
  [
    raised('23503', 'violates foreign key', { constraint: 'Post_authorId_fkey' }),
    { kind: 'ForeignKeyConstraintViolation', constraint: { index: 'Post_authorId_fkey' } },
  ],
  [
    raised('23503', 'violates foreign key', { column: 'authorId' }),
    { kind: 'ForeignKeyConstraintViolation', constraint: { fields: ['authorId'] } },
  ],
  [raised('23001', 'restrict', { constraint: 'k' }), { kind: 'RestrictViolation', constraint: { index: 'k' } }],
  [raised('3D000', 'database "nope" does not exist'), { kind: 'DatabaseDoesNotExist', db: 'nope' }],
  [
    raised('28000', 'no pg_hba.conf entry for host "::1", user "u", database "d", no encryption'),
    { kind: 'DatabaseAccessDenied', db: 'd' },
  ],
  [raised('28P01', 'password authentication failed for user "u"'), { kind: 'AuthenticationFailed', user: 'u' }],
  [raised('40001', 'could not serialize access'), { kind: 'TransactionWriteConflict' }],
  [raised('40P01', 'deadlock detected'), { kind: 'TransactionWriteConflict' }],
  [raised('42P01', 'relation "public.User" does not exist'), { kind: 'TableDoesNotExist', table: 'public.User' }],
  [raised('42703', 'column User.nope does not exist'), { kind: 'ColumnNotFound', column: 'User.nope' }],
  [raised('42703', 'column "no""pe" does not exist'), { kind: 'ColumnNotFound', column: 'no"pe' }],
  [raised('42P04', 'database "d" already exists'), { kind: 'DatabaseAlreadyExists', db: 'd' }],
  [raised('53300', 'too many clients'), { kind: 'TooManyConnections', cause: 'too many clients' }],
  [
    raised('23514', 'violates check constraint', { detail: 'Failing row', hint: 'h', column: 'c' }),
    {
      kind: 'postgres',
      code: '23514',
      severity: 'ERROR',
      message: 'violates check constraint',
      detail: 'Failing row',
      hint: 'h',
      column: 'c',
    },
  ],
  // Postgres' own words about the end of a connection stay Postgres' own.
  [raised('57P01', 'terminating connection due to administrator command'), { kind: 'postgres', code: '57P01' }],
])('Postgres: %o', (error, cause) => {
  expect(databaseCause(error)).toMatchObject({ ...cause, originalCode: error.code, originalMessage: error.message });
});

test.each([
  ['08001', { kind: 'DatabaseNotReachable' }],
  ['57P03', { kind: 'DatabaseNotReachable' }],
  ['08006', { kind: 'ConnectionClosed' }],
  ['57P01', { kind: 'ConnectionClosed' }],
  ['57P05', { kind: 'ConnectionClosed' }],
  ['53300', { kind: 'TooManyConnections', cause: 'said so' }],
  ['28P01', { kind: 'AuthenticationFailed' }],
  ['54000', { kind: 'postgres', code: '54000', severity: 'N/A' }],
])('the gateway itself: %s', (code, cause) => {
  expect(databaseCause({ code, message: 'said so' })).toMatchObject({ ...cause, originalCode: code });
});

describe('runtimes that do not know every kind', () => {
  test('before 7.10: no RestrictViolation, unique constraints by field', () => {
    for (const runtime of ['6.16', '7.2'] as const) {
      expect(databaseCause(raised('23001', 'm', { constraint: 'k' }), { runtime }).kind).toBe(
        'ForeignKeyConstraintViolation',
      );
      expect(databaseCause(duplicate, { runtime })).toMatchObject({ constraint: { fields: ['a', 'b'] } });
      expect(databaseCause(duplicate, { runtime })).not.toHaveProperty('table');
      expect(databaseCause(raised('42703', 'column "x" does not exist'), { runtime })).toMatchObject({ column: 'x' });
      const found = databaseCause(raised('42703', 'column t.x does not exist'), { runtime });
      expect(found).toMatchObject({ column: runtime === '6.16' ? undefined : 't.x' });
    }
  });

  test('before 7.2: no InvalidInputValue', () => {
    const error = raised('22P02', 'm');
    expect(databaseCause(error, { runtime: '7.2' }).kind).toBe('InvalidInputValue');
    expect(databaseCause(error, { runtime: '6.16' })).toMatchObject({ kind: 'postgres', code: '22P02' });
  });
});

const failure = (code: string, message = 'm') => Object.assign(new Error(message), { code });

test.each<[unknown, object]>([
  [failure('ENOTFOUND'), { kind: 'DatabaseNotReachable', host: 'h', port: 1 }],
  [failure('ECONNREFUSED'), { kind: 'DatabaseNotReachable', host: 'h', port: 1 }],
  [failure('ECONNRESET'), { kind: 'ConnectionClosed' }],
  [failure('EPIPE'), { kind: 'ConnectionClosed' }],
  [failure('ETIMEDOUT'), { kind: 'SocketTimeout' }],
  [new DOMException('m', 'TimeoutError'), { kind: 'SocketTimeout' }],
  [
    failure('CERT_HAS_EXPIRED', 'certificate has expired'),
    { kind: 'TlsConnectionError', reason: 'certificate has expired' },
  ],
  [failure('ERR_TLS_CERT_ALTNAME_INVALID', 'x'), { kind: 'TlsConnectionError', reason: 'x' }],
  [new TypeError('fetch failed', { cause: failure('ECONNREFUSED') }), { kind: 'DatabaseNotReachable' }],
  [new TypeError('fetch failed', { cause: failure('UND_ERR_SOCKET') }), { kind: 'ConnectionClosed' }],
  [
    new TypeError('fetch failed', { cause: new AggregateError([failure('ECONNREFUSED')]) }),
    { kind: 'DatabaseNotReachable' },
  ],
  [new TypeError('Failed to fetch'), { kind: 'DatabaseNotReachable' }],
  ['gone', { kind: 'DatabaseNotReachable', originalMessage: 'gone' }],
])('the transport: %s', (error, cause) => {
  expect(connectionCause(error, { host: 'h', port: 1 })).toMatchObject(cause);
});

test('a transport that broke for no known reason while something ran is a closed connection', () => {
  expect(connectionCause(new Error('?'), { phase: 'running' })).toEqual({
    kind: 'ConnectionClosed',
    originalMessage: '?',
  });
});

test.each([
  [401, 'AuthenticationFailed'],
  [429, 'TooManyConnections'],
  [504, 'SocketTimeout'],
  [502, 'DatabaseNotReachable'],
  [503, 'DatabaseNotReachable'],
])('HTTP status %i', (status, kind) => {
  expect(httpStatusCause(status)).toMatchObject({ kind });
});

test('an error of ours is known by its shape', () => {
  expect(isDriverAdapterError(new DriverAdapterError({ kind: 'ConnectionClosed' }))).toBe(true);
  const theirs = Object.assign(new Error('m'), { name: 'DriverAdapterError', cause: { kind: 'GenericJs', id: 1 } });
  expect(isDriverAdapterError(theirs)).toBe(true);
  expect([new Error('m'), null, { name: 'DriverAdapterError', cause: {} }].map(isDriverAdapterError)).toEqual([
    false,
    false,
    false,
  ]);
});

test('isolation levels', () => {
  expect(beginStatement()).toBe('BEGIN');
  expect(beginStatement('REPEATABLE READ')).toBe('BEGIN ISOLATION LEVEL REPEATABLE READ');
  expect(['SERIALIZABLE', 'SNAPSHOT', '; DROP', undefined].map(isIsolationLevel)).toEqual([true, false, false, false]);
});
