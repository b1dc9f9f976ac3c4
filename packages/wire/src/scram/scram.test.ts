import { expect, test } from 'vitest';
import { decodeBase64 } from '../bytes/base64.ts';
import { decodeText, encodeText } from '../bytes/text.ts';
import { createScramClient } from './client.ts';
import { createScramServer } from './server.ts';
import { buildScramVerifier } from './verifier.ts';

test('the exchange of RFC 7677, both sides', async () => {
  const client = createScramClient({
    user: 'user',
    secret: { kind: 'password', password: 'pencil' },
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    mechanism: 'SCRAM-SHA-256',
  });
  const verifier = await buildScramVerifier('pencil', decodeBase64('W22ZaJ0SNY7soEsUEjb6gQ==')!, 4096);
  const server = createScramServer({ verifier, nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });

  const clientFirst = client.first();
  expect(decodeText(clientFirst)).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const serverFirst = server.first(clientFirst);
  expect(decodeText(serverFirst)).toBe(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const clientFinal = await client.continue(serverFirst);
  expect(decodeText(clientFinal)).toBe(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  const outcome = await server.final(clientFinal);
  expect(outcome.ok).toBe(true);
  expect(decodeText(outcome.message)).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  await client.final(encodeText('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='));
});
