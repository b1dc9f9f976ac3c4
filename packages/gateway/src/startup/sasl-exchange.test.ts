import { createFakeClock } from '@postern/testkit';
import { buildScramVerifier, createScramClient, encodeSaslInitialResponse } from '@postern/wire';
import { expect, test } from 'vitest';
import { createAuthenticator, type LoginAttempt } from '../auth/authenticator.ts';
import { createNodeAuthCrypto } from '../node/auth-crypto.ts';
import { createFakeEngine } from './fake-engine.fixture.ts';
import { createSaslExchange } from './sasl-exchange.ts';

const messageHeaderBytes = 5;
/** Of AuthenticationSASLContinue: the kind of request comes first. */
const continueHeaderBytes = 9;

test('who guesses much at once is slowed down', async () => {
  const clock = createFakeClock();
  const crypto = createNodeAuthCrypto();
  const authenticator = createAuthenticator({ engine: createFakeEngine(), clock, crypto });
  const verifier = await buildScramVerifier('secret', new Uint8Array(16));
  const attempt: LoginAttempt = { endpoint: undefined, user: 'alice', database: 'app', address: '192.0.2.1' };
  let checked = 0;

  async function prepareGuess(password: string): Promise<() => Promise<unknown>> {
    const exchange = createSaslExchange({
      offer: { kind: 'challenge', verifier, identify: undefined },
      authenticator: {
        tryOnce: authenticator.tryOnce,
        refuse(...wrong) {
          checked++;
          return authenticator.refuse(...wrong);
        },
      },
      attempt,
      crypto,
      startedAtMs: 0,
    });
    const client = createScramClient({ mechanism: 'SCRAM-SHA-256', secret: { kind: 'password', password } });
    const first = encodeSaslInitialResponse('SCRAM-SHA-256', client.first());
    const challenge = exchange.first(first.subarray(messageHeaderBytes));
    const proof = await client.continue(challenge.subarray(continueHeaderBytes));
    return () => exchange.final(proof);
  }

  const guesses = await Promise.all(Array.from({ length: 60 }, (_, n) => prepareGuess(`wrong ${n}`)));
  let over = 0;
  const outcomes = guesses.map((guess) => guess().catch((error: unknown) => error));
  for (const outcome of outcomes) void outcome.then(() => over++);
  await new Promise((resolve) => setImmediate(resolve));
  expect(checked).toBe(5);
  while (over < guesses.length) {
    clock.advance(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Those that may wait; the others were refused as soon as the first had failed.
  expect(checked).toBe(5 + 16);
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ sqlstate: '28P01' });
});
