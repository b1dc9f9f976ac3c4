import { describe, expect, test } from 'vitest';
import { readConnectionUrl, withDatabase } from './connection-url.ts';

describe('the connection string', () => {
  test.each<[string, string | undefined, string, string | undefined]>([
    ['postgres://u:p@h/d', undefined, 'postgresql://u:p@h/d?pooled=true&DateStyle=ISO', undefined],
    [
      'postgresql://u:p@h:4444/d?schema=a',
      undefined,
      'postgresql://u:p@h:4444/d?schema=a&pooled=true&DateStyle=ISO',
      'a',
    ],
    ['postgresql://u:p@h/d?schema=a', 'b c', 'postgresql://u:p@h/d?schema=b+c&pooled=true&DateStyle=ISO', 'b c'],
    ['postgresql://u:p@h/d?schema=', undefined, 'postgresql://u:p@h/d?schema=&pooled=true&DateStyle=ISO', undefined],
    ['postgresql://u:p@h/d?pooled=false', undefined, 'postgresql://u:p@h/d?pooled=false&DateStyle=ISO', undefined],
    ['postgresql://u:p@h/d?pgbouncer=true', 'x', 'postgresql://u:p@h/d?pgbouncer=true&schema=x&DateStyle=ISO', 'x'],
    [
      'postgresql://u:p%40@[::1]:80/d',
      undefined,
      'postgresql://u:p%40@[::1]:80/d?pooled=true&DateStyle=ISO',
      undefined,
    ],
    ['postgres://u@h/d?pooled=true&datestyle=x', undefined, 'postgresql://u@h/d?pooled=true&datestyle=x', undefined],
  ])('%s with %s', (given, schema, connectionString, named) => {
    expect(readConnectionUrl(given, schema)).toMatchObject({ connectionString, schema: named });
  });

  test('host and port are for messages', () => {
    expect(readConnectionUrl('postgres://u@h.example:5433/d', undefined)).toMatchObject({
      host: 'h.example',
      port: 5433,
    });
    expect(readConnectionUrl('postgres://u@h.example/d', undefined)).toMatchObject({ port: undefined });
  });

  test.each(['', 'mysql://root:secret@h/d', 'postgres://root:secret@:::/d', 'http://root:secret@h/d'])(
    '%s is refused, and not repeated',
    (text) => {
      expect(() => readConnectionUrl(text, undefined)).toThrow(/^(?!.*secret).*postgres:\/\/user:password@host/);
    },
  );

  test('another database of the same server', () => {
    expect(withDatabase('postgresql://u:p@h:4444/d?schema=a', 'x/y')).toBe('postgresql://u:p@h:4444/x%2Fy?schema=a');
  });
});
