import { expect, test } from 'vitest';
import { parseBatchOptions } from './sql-over-http.ts';

const parse = (headers: Record<string, string>) => parseBatchOptions((name) => headers[name]);

test('no headers: nothing asked for', () => {
  expect(parse({})).toEqual({ isolationLevel: undefined, isReadOnly: false, isDeferrable: false });
});

test('booleans are exactly `true`', () => {
  expect(parse({ 'neon-batch-read-only': 'true', 'neon-batch-deferrable': 'true' })).toMatchObject({
    isReadOnly: true,
    isDeferrable: true,
  });
  expect(parse({ 'neon-batch-read-only': 'True', 'neon-batch-deferrable': '1' })).toMatchObject({
    isReadOnly: false,
    isDeferrable: false,
  });
});

test.each(['ReadUncommitted', 'ReadCommitted', 'RepeatableRead', 'Serializable'])('isolation level %s', (level) => {
  expect(parse({ 'neon-batch-isolation-level': level }).isolationLevel).toBe(level);
});

test.each(['serializable', 'SERIALIZABLE', '', 'toString', 'Serializable; DROP TABLE t'])(
  'refuses isolation level %j',
  (level) => {
    expect(() => parse({ 'neon-batch-isolation-level': level })).toThrow(
      expect.objectContaining({ code: 'invalid_header', message: 'invalid isolation level' }),
    );
  },
);
