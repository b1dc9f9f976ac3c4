import type { ScramHashes } from '@postern/wire';

/** The cryptography authentication needs from the platform. */
export interface AuthCrypto extends ScramHashes {
  randomBytes(count: number): Uint8Array;
  /** HMAC-SHA-256; also for tags that must be cheap to make and useless to whoever lacks the key. */
  hmac(key: Uint8Array, data: Uint8Array | string): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
  /** A password hash that is slow on purpose (scrypt); runs off the main thread. */
  slowHash(password: string, salt: Uint8Array): Promise<Uint8Array>;
}
