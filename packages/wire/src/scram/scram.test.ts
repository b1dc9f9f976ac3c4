import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { concatBytes } from '../bytes/concat-bytes.ts';
import { decodeText, encodeText } from '../bytes/text.ts';
import { ProtocolError } from '../protocol-error.ts';
import { protocolErrorFrom } from '../testing/protocol-error-from.ts';
import { createSeededRandom } from '../testing/seeded-random.ts';
import { createScramClient, type ScramClient, type ScramClientOptions } from './client.ts';
import { createScramServer, type ScramOutcome } from './server.ts';
import { buildScramVerifier, mockScramVerifier } from './verifier.ts';

const salt = decodeBase64('W22ZaJ0SNY7soEsUEjb6gQ==')!;
const verifier = await buildScramVerifier('pencil', salt, 4096);

/** The nonces, messages and proofs of RFC 7677, section 3. */
const rfc = {
  clientNonce: 'rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

function createClient(options: Partial<ScramClientOptions> = {}): ScramClient {
  return createScramClient({
    user: 'user',
    secret: { kind: 'password', password: 'pencil' },
    nonce: rfc.clientNonce,
    mechanism: 'SCRAM-SHA-256',
    ...options,
  });
}

/** A whole exchange between our two halves. */
async function exchange(client: ScramClient, serverVerifier = verifier): Promise<ScramOutcome> {
  const server = createScramServer({ verifier: serverVerifier });
  return await server.final(await client.continue(server.first(client.first())));
}

describe('the exchange of RFC 7677', () => {
  test('the client', async () => {
    const client = createClient();
    expect(decodeText(client.first())).toBe(rfc.clientFirst);
    expect(decodeText(await client.continue(encodeText(rfc.serverFirst)))).toBe(rfc.clientFinal);
    await client.final(encodeText(rfc.serverFinal));
  });

  test('the server', async () => {
    const server = createScramServer({ verifier, nonce: rfc.serverNonce });
    expect(decodeText(server.first(encodeText(rfc.clientFirst)))).toBe(rfc.serverFirst);
    const outcome = await server.final(encodeText(rfc.clientFinal));
    expect(outcome.ok).toBe(true);
    expect(decodeText(outcome.message)).toBe(rfc.serverFinal);
  });
});

describe('a login', () => {
  test('with the password gives keys that log in without it', async () => {
    const first = await exchange(createClient());
    if (!first.ok) throw new Error('the first login failed');
    const keys = { kind: 'keys', clientKey: first.clientKey, serverKey: verifier.serverKey } as const;
    const second = createClient({ secret: keys });
    const outcome = await exchange(second);
    expect(outcome.ok).toBe(true);
    await second.final(outcome.message);
  });

  test('with the wrong password is an outcome without keys, and the client does not accept it either', async () => {
    const client = createClient({ secret: { kind: 'password', password: 'pencils' } });
    const outcome = await exchange(client);
    expect(outcome).toEqual({ ok: false, message: encodeText('e=invalid-proof') });
    await expect(client.final(outcome.message)).rejects.toMatchObject({ code: '28000', detail: 'invalid-proof' });
  });

  test('of a user who does not exist looks like one with the wrong password', async () => {
    const mock = await mockScramVerifier('user', encodeText('seed'));
    expect(await exchange(createClient(), mock)).toEqual({ ok: false, message: encodeText('e=invalid-proof') });
  });

  test('takes a new nonce each time', () => {
    const [first, second] = [1, 2].map(() => {
      return decodeText(
        createScramClient({ secret: { kind: 'password', password: '' }, mechanism: 'SCRAM-SHA-256' }).first(),
      );
    });
    expect(first).toMatch(/^n,,n=,r=[A-Za-z0-9+/]{24}$/);
    expect(second).not.toBe(first);
  });

  test('escapes the user', () => {
    expect(decodeText(createClient({ user: 'a=b,c' }).first())).toContain('n=a=3Db=2Cc,');
  });
});

describe('channel binding', () => {
  const channelBinding = Uint8Array.of(1, 2, 3, 255);

  test('bound: the header and the data are in the proof', async () => {
    const client = createClient({ mechanism: 'SCRAM-SHA-256-PLUS', channelBinding });
    expect(decodeText(client.first())).toMatch(/^p=tls-server-end-point,,n=user,/);
    const final = decodeText(await client.continue(encodeText(rfc.serverFirst)));
    const bound = concatBytes([encodeText('p=tls-server-end-point,,'), channelBinding]);
    expect(final.startsWith(`c=${encodeBase64(bound)},r=`)).toBe(true);
  });

  test('possible, but not offered by the server', async () => {
    const client = createClient({ channelBinding });
    const outcome = await exchange(client);
    expect(outcome.ok).toBe(true);
    expect(decodeText(createClient({ channelBinding }).first())).toMatch(/^y,,/);
  });

  test('-PLUS without data is refused', () => {
    expect(protocolErrorFrom(() => createClient({ mechanism: 'SCRAM-SHA-256-PLUS' })).side).toBe('local');
  });

  test('a client that binds is refused by our server, which offers none', () => {
    const client = createClient({ mechanism: 'SCRAM-SHA-256-PLUS', channelBinding });
    protocolErrorFrom(() => createScramServer({ verifier }).first(client.first()));
  });
});

describe('a hostile server', () => {
  const ours = rfc.clientNonce;

  test.each([
    ['nothing', '', '08P01'],
    ['no attributes', 'hello', '08P01'],
    ['a foreign nonce', 'r=x,s=AAAA,i=4096', '08P01'],
    ['our own nonce', `r=${ours},s=AAAA,i=4096`, '08P01'],
    ['a nonce that is not printable', `r=${ours}é,s=AAAA,i=4096`, '08P01'],
    ['no salt', `r=${ours}x,i=4096`, '08P01'],
    ['an empty salt', `r=${ours}x,s=,i=4096`, '08P01'],
    ['a salt that is not base64', `r=${ours}x,s=?,i=4096`, '08P01'],
    ['no count', `r=${ours}x,s=AAAA`, '08P01'],
    ['count 0', `r=${ours}x,s=AAAA,i=0`, '08P01'],
    ['a negative count', `r=${ours}x,s=AAAA,i=-1`, '08P01'],
    ['a count in another notation', `r=${ours}x,s=AAAA,i=1e9`, '08P01'],
    ['hours of work', `r=${ours}x,s=AAAA,i=1000001`, '54000'],
    ['years of work', `r=${ours}x,s=AAAA,i=99999999999`, '08P01'],
    ['a mandatory extension', `m=x,r=${ours}x,s=AAAA,i=1`, '0A000'],
  ])('%s is refused', async (_what, serverFirst, code) => {
    const client = createClient();
    client.first();
    await expect(client.continue(encodeText(serverFirst))).rejects.toMatchObject({
      kind: 'protocol',
      side: 'remote',
      code,
    });
  });

  test('an unknown extension at the end is allowed', async () => {
    const client = createClient();
    client.first();
    await client.continue(encodeText(`${rfc.serverFirst},x=y`));
  });

  test.each([
    ['a wrong signature', `v=${encodeBase64(new Uint8Array(32))}`, '28000'],
    ['a short signature', 'v=AAAA', '08P01'],
    ['no signature', 'v=', '08P01'],
    ['nothing', '', '08P01'],
    ['an error', 'e=other-error', '28000'],
  ])('%s at the end is refused', async (_what, serverFinal, code) => {
    const client = createClient();
    client.first();
    await client.continue(encodeText(rfc.serverFirst));
    await expect(client.final(encodeText(serverFinal))).rejects.toMatchObject({ kind: 'protocol', code });
    // It cannot try again.
    await expect(client.final(encodeText(rfc.serverFinal))).rejects.toMatchObject({ side: 'local' });
  });
});

describe('a hostile client', () => {
  test.each([
    ['nothing', '', '08P01'],
    ['an unknown flag', 'x,,n=,r=a', '08P01'],
    ['channel binding', 'p=tls-unique,,n=,r=a', '08P01'],
    ['no comma', 'nn,n=,r=a', '08P01'],
    ['another identity', 'n,a=root,n=,r=a', '0A000'],
    ['a mandatory extension', 'n,,m=x,n=,r=a', '0A000'],
    ['no user', 'n,,r=a', '08P01'],
    ['no nonce', 'n,,n=', '08P01'],
    ['an empty nonce', 'n,,n=,r=', '08P01'],
    ['a nonce with a control character', 'n,,n=,r=a\u0001', '08P01'],
    ['rubbish behind the nonce', 'n,,n=,r=a,', '08P01'],
  ])('%s first is refused', (_what, clientFirst, code) => {
    const server = createScramServer({ verifier });
    expect(protocolErrorFrom(() => server.first(encodeText(clientFirst)))).toMatchObject({ side: 'remote', code });
  });

  const nonce = rfc.clientNonce + rfc.serverNonce;
  const proof = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';

  test.each([
    ['nothing', ''],
    ['other channel binding than announced', `c=eSws,r=${nonce},p=${proof}`],
    ['another nonce', `c=biws,r=${nonce}x,p=${proof}`],
    ['its own nonce', `c=biws,r=${rfc.clientNonce},p=${proof}`],
    ['no proof', `c=biws,r=${nonce}`],
    ['a proof that is not last', `c=biws,r=${nonce},p=${proof},x=y`],
    ['a proof that is not base64', `c=biws,r=${nonce},p=?`],
    ['a short proof', `c=biws,r=${nonce},p=AAAA`],
    ['an empty proof', `c=biws,r=${nonce},p=`],
  ])('%s at the end is refused', async (_what, clientFinal) => {
    const server = createScramServer({ verifier, nonce: rfc.serverNonce });
    server.first(encodeText(rfc.clientFirst));
    await expect(server.final(encodeText(clientFinal))).rejects.toMatchObject({ side: 'remote', code: '08P01' });
    // It cannot try again.
    await expect(server.final(encodeText(rfc.clientFinal))).rejects.toMatchObject({ side: 'local' });
  });

  test('every damaged proof is a wrong password', async () => {
    const bytes = decodeBase64(proof)!;
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
      const server = createScramServer({ verifier, nonce: rfc.serverNonce });
      server.first(encodeText(rfc.clientFirst));
      const outcome = await server.final(encodeText(`c=biws,r=${nonce},p=${encodeBase64(damaged)}`));
      expect(outcome.ok).toBe(false);
    }
  });

  test('an extension before the proof is signed with the rest', async () => {
    const server = createScramServer({ verifier, nonce: rfc.serverNonce });
    server.first(encodeText(rfc.clientFirst));
    expect((await server.final(encodeText(`c=biws,r=${nonce},x=y,p=${proof}`))).ok).toBe(false);
  });
});

test('random bytes are refused with a ProtocolError on both sides', async () => {
  const random = createSeededRandom(11);
  for (let round = 0; round < 300; round++) {
    const bytes = random.bytes(random.below(40));
    const client = createClient();
    client.first();
    await expect(client.continue(bytes)).rejects.toBeInstanceOf(ProtocolError);
    protocolErrorFrom(() => createScramServer({ verifier }).first(bytes));
    const server = createScramServer({ verifier });
    server.first(encodeText(rfc.clientFirst));
    await expect(server.final(bytes)).rejects.toBeInstanceOf(ProtocolError);
  }
});

test('steps out of order are refused', async () => {
  const client = createClient();
  await expect(client.continue(encodeText(rfc.serverFirst))).rejects.toMatchObject({ side: 'local' });
  await expect(createClient().final(encodeText(rfc.serverFinal))).rejects.toMatchObject({ side: 'local' });
  const server = createScramServer({ verifier });
  await expect(server.final(encodeText(rfc.clientFinal))).rejects.toMatchObject({ side: 'local' });
  server.first(encodeText(rfc.clientFirst));
  expect(protocolErrorFrom(() => server.first(encodeText(rfc.clientFirst))).side).toBe('local');
});

test('a nonce of ours that would break the message is refused', () => {
  for (const nonce of ['', 'a,b', 'a b', 'ä']) protocolErrorFrom(() => createClient({ nonce }));
});
