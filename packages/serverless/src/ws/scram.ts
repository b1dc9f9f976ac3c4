/** SCRAM-SHA-256 (RFC 5802, RFC 7677) with the platform's own PBKDF2. */
import { createError } from '../postern-error.ts';
import { decodeText, encodeText } from './packet.ts';

/** As Web Crypto wants them. */
type Bytes = Uint8Array<ArrayBuffer>;

const hash = 'SHA-256';
const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** What a hostile server may make us compute. */
const maxIterations = 1_000_000;

export interface Scram {
  readonly first: Uint8Array;
  /** Takes the server's challenge, gives our proof. */
  answer(challenge: Uint8Array): Promise<Uint8Array>;
  /** Throws unless the server knows the password too. */
  verify(outcome: Uint8Array): void;
  isVerified(): boolean;
}

export function createScram(password: string): Scram {
  const { subtle } = crypto;
  if (!subtle) throw createError('protocol', 'SASL: no crypto.subtle', '28000');
  const nonce = crypto.randomUUID();
  const bare = `n=*,r=${nonce}`;
  let signature = '';
  let isVerified = false;

  async function hmac(key: Bytes, text: string): Promise<Bytes> {
    const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign']);
    return new Uint8Array(await subtle.sign('HMAC', imported, encodeText(text)));
  }

  return {
    first: encodeText(`n,,${bare}`),
    async answer(challenge) {
      const text = decodeText(challenge);
      const [, serverNonce = '', salt = '', count] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(text) ?? [];
      const iterations = Number(count);
      if (!serverNonce.startsWith(nonce) || serverNonce === nonce || !(iterations > 0 && iterations <= maxIterations)) {
        throw createError('protocol', 'SASL: invalid challenge', '28000');
      }
      // SASLprep for all but exotic passwords.
      const secret = encodeText(password.normalize('NFKC'));
      const key = await subtle.importKey('raw', secret, 'PBKDF2', false, ['deriveBits']);
      const saltBytes = Uint8Array.from(atob(salt), (character) => character.charCodeAt(0));
      const parameters = { name: 'PBKDF2', hash, salt: saltBytes, iterations };
      const salted = new Uint8Array(await subtle.deriveBits(parameters, key, 256));
      const clientKey = await hmac(salted, 'Client Key');
      const withoutProof = `c=biws,r=${serverNonce}`;
      const all = `${bare},${text},${withoutProof}`;
      signature = toBase64(await hmac(await hmac(salted, 'Server Key'), all));
      const mask = await hmac(new Uint8Array(await subtle.digest(hash, clientKey)), all);
      return encodeText(`${withoutProof},p=${toBase64(clientKey.map((byte, index) => byte ^ mask[index]!))}`);
    },
    verify(outcome) {
      isVerified = signature !== '' && decodeText(outcome).startsWith(`v=${signature}`);
      if (!isVerified) throw createError('protocol', 'SASL: wrong server proof', '28000');
    },
    isVerified: () => isVerified,
  };
}
