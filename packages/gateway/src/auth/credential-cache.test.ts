import { createFakeClock, type FakeClock } from '@postern/testkit';
import { expect, test } from 'vitest';
import { createNodeAuthCrypto } from '../node/auth-crypto.ts';
import { type CredentialCache, createCredentialCache } from './credential-cache.ts';

function create(): { cache: CredentialCache; clock: FakeClock } {
  const clock = createFakeClock();
  const native = createNodeAuthCrypto();
  const crypto = { ...native, slowHash: async (password: string, salt: Uint8Array) => native.hmac(salt, password) };
  const cache = createCredentialCache({
    ...{ clock, crypto, maxCredentials: 10 },
    lifetimeMs: 300_000,
    fastLifetimeMs: 60_000,
  });
  return { cache, clock };
}

test('a password in constant use is not taken beyond its lifetime either', () => {
  const { cache, clock } = create();
  // What is silent, or too old, is looked for once a minute from here on: in between nobody but the question itself notices.
  cache.accept('other', 'secret', 'other');
  clock.advance(30_000);
  cache.accept('alice', 'secret', 'alice');
  for (let i = 0; i < 6; i++) {
    clock.advance(49_000);
    expect(cache.recall('alice', 'secret')).toBe('accepted');
    expect(cache.recall('alice', 'wrong')).toBe('unknown');
  }
  clock.advance(6_000);
  expect(cache.recall('alice', 'secret')).toBe('unknown');
});

test.each([
  ['forgotten', (cache: CredentialCache) => cache.forget('alice')],
  ['replaced', (cache: CredentialCache) => cache.accept('alice', 'changed', 'alice, changed')],
])('a password that is %s while it is compared is not taken', async (_, change) => {
  const { cache, clock } = create();
  cache.accept('alice', 'secret', 'alice');
  clock.advance(120_000);
  expect(cache.recall('alice', 'secret')).toBe('unsure');
  expect(await cache.compare('alice', 'secret')).toBe(true);
  clock.advance(120_000);
  const compared = cache.compare('alice', 'secret');
  change(cache);
  expect(await compared).toBe(false);
  expect(cache.recall('alice', 'secret')).toBe('unknown');
});
