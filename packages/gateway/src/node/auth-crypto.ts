import { createHash, createHmac, randomBytes, scrypt } from 'node:crypto';
import type { AuthCrypto } from '../auth/auth-crypto.ts';

/** About 40 ms and 16 MiB per guess: the parameters of RFC 7914 for interactive logins. */
const scryptCost = { N: 16_384, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const hashBytes = 32;

/** Node's native cryptography. */
export function createNodeAuthCrypto(): AuthCrypto {
  return {
    randomBytes: (count) => randomBytes(count),
    hmac: (key, data) => createHmac('sha256', key).update(data).digest(),
    sha256: (data) => createHash('sha256').update(data).digest(),
    slowHash: (password, salt) =>
      new Promise((resolve, reject) => {
        scrypt(password, salt, hashBytes, scryptCost, (error, hash) => (error ? reject(error) : resolve(hash)));
      }),
  };
}
