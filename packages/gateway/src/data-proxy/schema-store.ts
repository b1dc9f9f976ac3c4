/** The schemas that clients uploaded, each for the key it came with. What is forgotten is uploaded again. */
import { LRUCache } from 'lru-cache';
import { badRequest } from '../accelerate/request-body.ts';

export interface StoredSchema {
  /** Of its content: the same for everybody who has the same schema. */
  readonly id: string;
  /** schema.prisma. */
  readonly text: string;
}

export interface SchemaStore {
  find(keyId: string, hash: string): StoredSchema | undefined;
  /** Takes the Base64 text that the client sends. Rejects with AccelerateError when `hash` is not its own. */
  put(keyId: string, hash: string, base64: string): Promise<void>;
}

export interface SchemaStoreOptions {
  /** Memory for all of them. */
  readonly maxBytes: number;
}

/** Of one schema's upload: ten times the largest ones people have shown. Longer ones are refused before they are read. */
export const maxSchemaUploadBytes = 2_097_152;

export function createSchemaStore({ maxBytes }: SchemaStoreOptions): SchemaStore {
  const schemas = new LRUCache<string, StoredSchema>({
    maxSize: maxBytes,
    sizeCalculation: ({ text }) => 2 * text.length + 512,
  });
  return {
    find: (keyId, hash) => schemas.get(`${keyId} ${hash}`),
    async put(keyId, hash, base64) {
      // The client hashes the Base64 text, not what is in it.
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(base64));
      const id = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      if (id !== hash) throw badRequest('the schema does not have the hash that the path says');
      schemas.set(`${keyId} ${hash}`, { id, text: decode(base64) });
    },
  };
}

function decode(base64: string): string {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the schema must be UTF-8 in Base64');
  }
}
