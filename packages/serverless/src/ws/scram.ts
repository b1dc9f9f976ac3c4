/** SCRAM-SHA-256 (RFC 5802, RFC 7677) with the platform's own PBKDF2. */
import { PosternError } from '../postern-error.ts';
import { decodeText, encodeText } from './packet.ts';

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** What a hostile server may make us compute. */
const maxIterations = 1_000_000;

export interface Scram {
  readonly first: Uint8Array;
  /** Takes the server's challenge, gives our proof. */
  answer(challenge: Uint8Array): Promise<Uint8Array>;
  /** Throws unless the server knows the password too. */
  verify(outcome: Uint8Array): void;
  readonly isVerified: boolean;
}

function fail(why: string): never {
  throw new PosternError(`SASL: ${why}`, { kind: 'protocol', code: '28000' });
}

export function createScram(password: string): Scram {
  const { subtle } = crypto;
  if (!subtle) fail('this runtime has no crypto.subtle');
  const nonce = toBase64(crypto.getRandomValues(new Uint8Array(18)));
  const bare = `n=*,r=${nonce}`;
  let signature = '';
  let isVerified = false;

  async function hmac(key: Uint8Array, text: string): Promise<Uint8Array<ArrayBuffer>> {
    const parameters = { name: 'HMAC', hash: 'SHA-256' };
    const imported = await subtle.importKey('raw', key as Uint8Array<ArrayBuffer>, parameters, false, ['sign']);
    return new Uint8Array(await subtle.sign('HMAC', imported, encodeText(text) as Uint8Array<ArrayBuffer>));
  }

  return {
    first: encodeText(`n,,${bare}`),
    async answer(challenge) {
      const text = decodeText(challenge);
      const [, serverNonce = '', salt = '', count] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(text) ?? [];
      const iterations = Number(count);
      if (!serverNonce.startsWith(nonce) || serverNonce === nonce || !(iterations > 0 && iterations <= maxIterations)) {
        fail('the challenge makes no sense');
      }
      // SASLprep for all but exotic passwords.
      const key = await subtle.importKey(
        'raw',
        encodeText(password.normalize('NFKC')) as Uint8Array<ArrayBuffer>,
        'PBKDF2',
        false,
        ['deriveBits'],
      );
      const salted = new Uint8Array(
        await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: fromBase64(salt), iterations }, key, 256),
      );
      const clientKey = await hmac(salted, 'Client Key');
      const storedKey = new Uint8Array(await subtle.digest('SHA-256', clientKey));
      const withoutProof = `c=biws,r=${serverNonce}`;
      const all = `${bare},${text},${withoutProof}`;
      signature = toBase64(await hmac(await hmac(salted, 'Server Key'), all));
      const mask = await hmac(storedKey, all);
      return encodeText(`${withoutProof},p=${toBase64(clientKey.map((byte, index) => byte ^ mask[index]!))}`);
    },
    verify(outcome) {
      if (signature === '' || !decodeText(outcome).startsWith(`v=${signature}`))
        fail('the server does not know the password');
      isVerified = true;
    },
    get isVerified() {
      return isVerified;
    },
  };
}
