/** The cryptography of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677), on the runtime's native Web Crypto. */
import { encodeText } from '../bytes/text.ts';
import { saslprep } from './saslprep.ts';

export const scramKeyBytes = 32;

/** What a client needs to log in, and a server must never keep: `clientKey` is as good as the password. */
export interface ScramKeys {
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** The fast steps. Web Crypto leaves the thread for each, which costs thirty times what it computes. */
export interface ScramHashes {
  /** HMAC-SHA-256. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array | Promise<Uint8Array>;
  sha256(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** What every runtime has. */
export const webCryptoHashes: ScramHashes = { hmac: hmacSha256, sha256 };

/**
 * The slow step: PBKDF2. Its cost is `iterations` HMACs, off the main thread in Node. Cloudflare Workers refuse more
 * than 100 000 iterations; Postgres' default is 4096.
 */
export async function deriveScramKeys(password: string, salt: Uint8Array, iterations: number): Promise<ScramKeys> {
  const material = encodeText(saslprep(password));
  const key = await crypto.subtle.importKey('raw', unshared(material), 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: unshared(salt), iterations };
  const saltedPassword = new Uint8Array(await crypto.subtle.deriveBits(parameters, key, scramKeyBytes * 8));
  const [clientKey, serverKey] = await Promise.all([
    hmacSha256(saltedPassword, encodeText('Client Key')),
    hmacSha256(saltedPassword, encodeText('Server Key')),
  ]);
  return { clientKey, serverKey };
}

export async function hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const hmacKey = await crypto.subtle.importKey('raw', unshared(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  return new Uint8Array(await crypto.subtle.sign('HMAC', hmacKey, unshared(data)));
}

export async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', unshared(data)));
}

/** For a browser's types of Web Crypto, which want memory that is not shared; ours never is. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

/** a ⊕ b, both of `scramKeyBytes`. */
export function xorBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte ^ b[at]!);
}
