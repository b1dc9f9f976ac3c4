/** Making keys, hashing them, and sealing what only their owner may use. Web Cryptography, so that it runs anywhere. */
import type { SealedText } from './key-entry.ts';

/** `postern_<id>_<secret>`; the id names the key in logs, the secret has 256 random bits. */
const keyPattern = /^postern_([a-z0-9]{10})_[A-Za-z0-9_-]{43}$/;
const idAlphabet = 'abcdefghijklmnopqrstuvwxyz012345';

/** A new key. It exists nowhere else: show it, then forget it. */
export function generateKey(): { readonly id: string; readonly key: string } {
  const id = [...randomBytes(10)].map((byte) => idAlphabet[byte & 31]).join('');
  return { id, key: `postern_${id}_${toBase64Url(randomBytes(32))}` };
}

/** The public part of a key, for logs; undefined for what was never one of ours. */
export function keyIdOf(key: string): string | undefined {
  return keyPattern.exec(key)?.[1];
}

/** SHA-256, hex. */
export async function hashKey(key: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', encode(key))));
}

/** Encrypts `text` so that only whoever shows `key` can read it. `id` is bound in: it cannot be moved to another entry. */
export async function seal(text: string, key: string, id: string): Promise<SealedText> {
  const nonce = randomBytes(12);
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: encode(id) };
  const sealed = await crypto.subtle.encrypt(algorithm, await sealingKey(key, id), encode(text));
  return { nonce: toBase64(nonce), ciphertext: toBase64(new Uint8Array(sealed)) };
}

/** The opposite. Rejects with an Error when it was changed or is not this key's. */
export async function unseal({ nonce, ciphertext }: SealedText, key: string, id: string): Promise<string> {
  const algorithm = { name: 'AES-GCM', iv: fromBase64(nonce), additionalData: encode(id) };
  try {
    const opened = await crypto.subtle.decrypt(algorithm, await sealingKey(key, id), fromBase64(ciphertext));
    return new TextDecoder().decode(opened);
  } catch {
    throw new Error(`the database URL of key ${id} cannot be decrypted: the keys file was changed`);
  }
}

type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

async function sealingKey(key: string, id: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', encode(key), 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: encode(id), info: encode('postern key database url') };
  return crypto.subtle.deriveKey(derivation, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

type Bytes = Uint8Array<ArrayBuffer>;

function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
