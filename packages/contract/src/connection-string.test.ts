import { describe, expect, test } from 'vitest';
import { parseConnectionString } from './connection-string.ts';
import { GatewayError } from './gateway-error.ts';

function errorOf(text: string): GatewayError {
  try {
    parseConnectionString(text);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('parseConnectionString', () => {
  test('reads all parts', () => {
    expect(parseConnectionString('postgres://u:p@Ep-X-pooler.Zone:6543/db?sslmode=require&options=-c%20a%3Db')).toEqual(
      {
        host: 'ep-x-pooler.zone',
        port: 6543,
        user: 'u',
        password: 'p',
        database: 'db',
        options: new Map([
          ['sslmode', 'require'],
          ['options', '-c a=b'],
        ]),
      },
    );
  });

  const accepted: [string, string, Partial<ReturnType<typeof parseConnectionString>>][] = [
    ['the other scheme', 'postgresql://u:p@h/d', { user: 'u', host: 'h' }],
    ['no port', 'postgres://u:p@h/d', { port: undefined }],
    ['no password', 'postgres://u@h/d', { password: undefined }],
    ['an empty password', 'postgres://u:@h/d', { password: undefined }],
    ['a bare slash: the database is named like the user', 'postgres://u:p@h/', { database: 'u' }],
    ['only the first path segment', 'postgres://u:p@h/d/more', { database: 'd' }],
    ['percent-encoded parts', 'postgres://a%40b:p%2Fw%3F@h/d%20b', { user: 'a@b', password: 'p/w?', database: 'd b' }],
    ['a plus sign is a plus sign', 'postgres://u+x:p+w@h/d+b', { user: 'u+x', password: 'p+w', database: 'd+b' }],
    [
      "Neon's regression test",
      'postgres://http%2Bauth%24%24:%25%2B%24%5E%26%2A%40%21@h/d',
      { user: 'http+auth$$', password: '%+$^&*@!' },
    ],
    ['the same, hardly encoded', 'postgres://http+auth$$:%+$^&*@!@h/d', { user: 'http+auth$$', password: '%+$^&*@!' }],
    ['a lone percent sign', 'postgres://u:100%@h/d', { password: '100%' }],
    ['UTF-8', 'postgres://u:p%C3%A4%F0%9F%90%98@h/d', { password: 'pä🐘' }],
    ['IPv4', 'postgres://u:p@127.0.0.1/d', { host: '127.0.0.1' }],
    ['IPv6', 'postgres://u:p@[::1]:5/d', { host: '::1', port: 5 }],
    ['an @ in the password', 'postgres://u:p@w@h/d', { password: 'p@w', host: 'h' }],
  ];
  test.each(accepted)('accepts %s', (_, text, parts) => {
    expect(parseConnectionString(text)).toMatchObject(parts);
  });

  const refused: [string, string, string][] = [
    ['nothing', '', 'invalid connection string: not a URL of the form postgres://user:password@host/database'],
    [
      'words',
      'host=h user=secret',
      'invalid connection string: not a URL of the form postgres://user:password@host/database',
    ],
    [
      'a slash in the password',
      'postgres://u:secret/1@h/d',
      'invalid connection string: not a URL of the form postgres://user:password@host/database',
    ],
    ['another scheme', 'mysql://u:secret@h/d', 'incorrect scheme'],
    ['no path', 'postgres://u:secret@h', 'missing database name'],
    ['no path but options', 'postgres://u:secret@h?a=b', 'missing database name'],
    ['no user', 'postgres://:secret@h/d', 'missing username'],
    ['no credentials', 'postgres://h/d', 'missing username'],
    ['no host', 'postgres:///d', 'missing username'],
    ['user without host', 'postgres:/u@/d', 'missing username'],
    ['several hosts', 'postgres://u:secret@h,i/d', 'invalid connection string: several hosts are not supported'],
    [
      'several hosts with ports',
      'postgres://u:secret@h:1,i:2/d',
      'invalid connection string: several hosts are not supported',
    ],
    ['bytes that are not UTF-8', 'postgres://u%FF:secret@h/d', 'invalid username: not UTF-8 after percent-decoding'],
    ['a NUL', 'postgres://u:secret@h/d%00', 'invalid database name: it contains a NUL character'],
    ['a line break', 'postgres://u:sec\nret@h/d', 'invalid connection string: it contains a line break or tab'],
    [
      'a very long string',
      `postgres://u:secret@h/${'d'.repeat(20_000)}`,
      'invalid connection string: longer than 16384 characters',
    ],
  ];
  test.each(refused)('refuses %s', (_, text, message) => {
    const error = errorOf(text);
    expect(error).toMatchObject({ code: 'invalid_connection_string', httpStatus: 400, message });
    expect(error.cause).toBeUndefined();
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toContain('secret');
  });
});
