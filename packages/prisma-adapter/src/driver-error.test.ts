import { DriverAdapterError } from '@postern/prisma-mapping';
import { PosternError } from '@postern/serverless';
import { expect, test } from 'vitest';
import { toDriverAdapterError } from './driver-error.ts';

const context = { runtime: '7.10', host: 'db.example', port: 4444 } as const;

test.each<[string, PosternError, object]>([
  [
    'an error of Postgres',
    new PosternError('duplicate key', { code: '23505', constraint: 'c', table: 't', file: 'nbtinsert.c' }),
    {
      kind: 'UniqueConstraintViolation',
      constraint: { index: 'c' },
      table: 't',
      originalCode: '23505',
      originalMessage: 'duplicate key',
    },
  ],
  [
    'no transaction, says the gateway',
    new PosternError('gone', { code: '25P04' }),
    { kind: 'TransactionAlreadyClosed', cause: 'gone' },
  ],
  [
    'no transaction, says Postgres',
    new PosternError('gone', { code: '25P01', routine: 'x' }),
    { kind: 'postgres', code: '25P01' },
  ],
  ['no free connection', new PosternError('full', { code: '53300' }), { kind: 'TooManyConnections', cause: 'full' }],
  [
    'no free session within the time',
    new PosternError('full', { kind: 'connection', code: '53300' }),
    { kind: 'TooManyConnections', cause: 'full', originalCode: '53300' },
  ],
  [
    'a host that is not there',
    new PosternError('fetch failed', {
      kind: 'connection',
      code: '08001',
      sourceError: Object.assign(new TypeError('fetch failed'), { cause: { code: 'ENOTFOUND' } }),
    }),
    { kind: 'DatabaseNotReachable', host: 'db.example', port: 4444, originalMessage: 'fetch failed' },
  ],
  [
    'a certificate nobody trusts',
    new PosternError('no', {
      kind: 'connection',
      code: '08006',
      sourceError: Object.assign(new Error('self signed'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
    }),
    { kind: 'TlsConnectionError', reason: 'self signed' },
  ],
  [
    'a WebSocket that never opened',
    new PosternError('no', { kind: 'connection', code: '08001' }),
    { kind: 'DatabaseNotReachable', host: 'db.example' },
  ],
  [
    'a WebSocket that broke',
    new PosternError('no', { kind: 'connection', code: '08006' }),
    { kind: 'ConnectionClosed' },
  ],
  ['a time-out', new PosternError('slow', { kind: 'connection', code: '57014' }), { kind: 'SocketTimeout' }],
  [
    'a proxy',
    new PosternError('?', { kind: 'protocol', status: 503 }),
    { kind: 'DatabaseNotReachable', host: 'db.example', port: 4444 },
  ],
  ['a proxy that waited', new PosternError('?', { kind: 'protocol', status: 504 }), { kind: 'SocketTimeout' }],
  [
    'nonsense',
    new PosternError('?', { kind: 'protocol', status: 200 }),
    { kind: 'ConnectionClosed', originalMessage: '?' },
  ],
])('%s', (_name, failure, cause) => {
  const error = toDriverAdapterError(failure, context);
  expect(error).toMatchObject({ name: 'DriverAdapterError', cause });
});

test('what the program did wrong, and what is mapped already, stays', () => {
  const usage = new PosternError('no WebSocket', { kind: 'usage' });
  const mapped = new DriverAdapterError({ kind: 'SocketTimeout' });
  const other = new TypeError('x');
  expect([usage, mapped, other].map((error) => toDriverAdapterError(error, context))).toEqual([usage, mapped, other]);
});
