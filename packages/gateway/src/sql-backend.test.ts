import { describe, expect, test } from 'vitest';
import type { SqlCredentials } from './http/sql-backend.ts';
import { createSqlBackend } from './sql-backend.ts';

const alice: SqlCredentials = {
  ...{ host: 'h', port: undefined, user: 'alice', password: 'p', bearerToken: undefined, database: 'd' },
  ...{ options: {}, remoteAddress: '192.0.2.1', security: 'tls', source: {} },
};

function setUp({ acceptPlainPasswords = false } = {}) {
  let asked = 0;
  const backend = createSqlBackend({
    engine: { openSession: () => expect.unreachable() },
    directory: { resolve: () => ({ outcome: 'unknown', reason: 'none' }) },
    authenticator: {
      async verifyPassword() {
        asked++;
        throw new Error('asked');
      },
      currentCheck: () => () => false,
    },
    limiter: { take: () => 0 },
    acceptPlainPasswords,
  });
  return { authenticate: async (credentials: SqlCredentials) => backend.authenticate(credentials), asked: () => asked };
}

describe('what others could have read on its way', () => {
  test.each([
    ['a password', alice],
    ['a token', { ...alice, password: undefined, bearerToken: 'pstn_x' }],
    ['an API key', { ...alice, password: undefined, options: { apiKey: 'pstn_x' } }],
  ])('%s is not looked at', async (_, credentials) => {
    const { authenticate, asked } = setUp();
    await expect(authenticate({ ...credentials, security: 'plain' })).rejects.toMatchObject({
      ...{ code: 'insecure_transport', hint: expect.stringContaining('https://') },
    });
    expect(asked()).toBe(0);
  });

  test('is taken where something else encrypts', async () => {
    const { authenticate } = setUp({ acceptPlainPasswords: true });
    await expect(authenticate({ ...alice, security: 'plain' })).rejects.toThrow('asked');
  });

  test.each(['tls', 'loopback'] as const)('%s is private', async (security) => {
    const { authenticate } = setUp();
    await expect(authenticate({ ...alice, security })).rejects.toThrow('asked');
  });
});
