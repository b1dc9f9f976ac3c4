/** The cryptography authentication needs from the platform. */
export interface AuthCrypto {
  randomBytes(count: number): Uint8Array;
  /** HMAC-SHA-256; for tags that must be cheap to make and useless to whoever lacks the key. */
  hmac(key: Uint8Array, text: string): Uint8Array;
  /** A password hash that is slow on purpose (scrypt); runs off the main thread. */
  slowHash(password: string, salt: Uint8Array): Promise<Uint8Array>;
}
