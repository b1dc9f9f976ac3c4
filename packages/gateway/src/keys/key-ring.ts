/** Who a key is: from what a caller shows to what it may use. */
import { constantTimeEqual, encodeText } from '@postern/wire';
import type { KeyEntry } from './key-entry.ts';
import { generateKey, hashKey, keyIdOf, seal, unseal } from './key-secret.ts';

/** What a key stands for. */
export interface KeyGrant {
  readonly id: string;
  readonly endpoint: string;
  readonly schema: string | undefined;
  readonly plan: string;
  /** A secret. Undefined: the endpoint's own role. */
  readonly databaseUrl: string | undefined;
}

export interface KeyRing {
  /** undefined: no such key, or it was revoked. The same grant object as long as the entry is the same. */
  find(key: string): Promise<KeyGrant | undefined>;
  /** Whether there is no key at all. */
  isEmpty(): boolean;
}

/** Where entries come from, by the public part of their keys: a file on Node (../node/key-file.ts), a list in tests. */
export interface KeySource {
  /** As of now: undefined from the moment on at which the key was revoked. */
  entryOf(id: string): KeyEntry | undefined;
  isEmpty(): boolean;
}

export function createKeyRing(source: KeySource): KeyRing {
  // Grants live and die with their entries: a source that reads its file again gives new ones.
  const grants = new WeakMap<KeyEntry, KeyGrant>();
  return {
    isEmpty: () => source.isEmpty(),
    async find(key) {
      const hash = await hashKey(key);
      // A key that was chosen is its own id.
      const entry = source.entryOf(keyIdOf(key) ?? key);
      if (entry === undefined || !constantTimeEqual(encodeText(entry.hash), encodeText(hash))) return undefined;
      const known = grants.get(entry);
      if (known !== undefined) return known;
      const { id, endpoint, schema, plan, database } = entry;
      const databaseUrl = database === undefined ? undefined : await unseal(database, key, id);
      const grant: KeyGrant = { id, endpoint, schema, plan, databaseUrl };
      grants.set(entry, grant);
      return grant;
    },
  };
}

/** A source that never changes. */
export function fixedKeys(entries: readonly KeyEntry[]): KeySource {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return { entryOf: (id) => byId.get(id), isEmpty: () => byId.size === 0 };
}

/** The first source that knows the key. */
export function joinKeys(...sources: readonly KeySource[]): KeySource {
  return {
    entryOf(id) {
      for (const source of sources) {
        const entry = source.entryOf(id);
        if (entry !== undefined) return entry;
      }
      return undefined;
    },
    isEmpty: () => sources.every((source) => source.isEmpty()),
  };
}

export interface NewKey {
  readonly name: string;
  readonly endpoint: string;
  readonly plan: string;
  readonly schema?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly createdAt: Date;
}

/** A new key and the entry to keep of it. */
export async function createKey(wish: NewKey): Promise<{ readonly key: string; readonly entry: KeyEntry }> {
  const { id, key } = generateKey();
  return { key, entry: await entryFor(key, id, wish) };
}

/** The entry for a key; one that was chosen, not made (`postern dev` has one that anybody may know), is its own id. */
export async function entryFor(key: string, id: string, wish: NewKey): Promise<KeyEntry> {
  const { name, endpoint, plan, schema, databaseUrl, createdAt } = wish;
  return {
    id,
    name,
    hash: await hashKey(key),
    createdAt: createdAt.toISOString(),
    endpoint,
    plan,
    ...(schema === undefined ? {} : { schema }),
    ...(databaseUrl === undefined ? {} : { database: await seal(databaseUrl, key, id) }),
  };
}
