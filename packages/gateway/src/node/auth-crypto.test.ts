import { buildScramVerifier, createScramClient, createScramServer } from '@postern/wire';
import { expect, test } from 'vitest';
import { createNodeAuthCrypto } from './auth-crypto.ts';

test.each(['pencil', 'eraser'])('a SCRAM server with it decides as one with Web Crypto: %s', async (password) => {
  const verifier = await buildScramVerifier('pencil', new Uint8Array(16).fill(7));
  const outcomes = await Promise.all(
    [{}, { hashes: createNodeAuthCrypto() }].map(async (options) => {
      const client = createScramClient({
        secret: { kind: 'password', password },
        mechanism: 'SCRAM-SHA-256',
        nonce: 'ours',
      });
      const server = createScramServer({ verifier, nonce: 'theirs', ...options });
      return server.final(await client.continue(server.first(client.first())));
    }),
  );
  const [one, other] = outcomes.map((outcome) => ({
    ok: outcome.ok,
    message: [...outcome.message],
    clientKey: outcome.ok ? [...outcome.clientKey] : undefined,
  }));
  expect(one?.ok).toBe(password === 'pencil');
  expect(other).toEqual(one);
});
