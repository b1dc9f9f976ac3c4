/** API keys as they are kept: what a key stands for, and a hash of it. Nothing here lets anybody in. */

export interface KeyEntry {
  /** Public part of the key: for logs, lists and revoking. */
  readonly id: string;
  /** What the operator calls it. */
  readonly name: string;
  /** SHA-256 of the whole key, hex. A slow hash would add nothing: keys have 256 random bits. */
  readonly hash: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Name of the endpoint whose Postgres, role and password the key uses. */
  readonly endpoint: string;
  /** The Postgres schema of generated queries, and first in the search_path; undefined: public. */
  readonly schema?: string;
  readonly plan: string;
  /** The key's own database URL instead of the endpoint's, encrypted with a key derived from the API key. */
  readonly database?: SealedText;
}

/** AES-256-GCM, base64. */
export interface SealedText {
  readonly nonce: string;
  readonly ciphertext: string;
}

/** The content of a keys file. */
export interface KeyFile {
  readonly version: 1;
  readonly keys: readonly KeyEntry[];
}

export const emptyKeyFile: KeyFile = { version: 1, keys: [] };

/** Reads a keys file's text. Throws an Error that names what is wrong. */
export function parseKeyFile(text: string): KeyFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`not valid JSON: ${(error as Error).message}`);
  }
  if (!isObject(value) || value.version !== 1 || !Array.isArray(value.keys)) {
    throw new Error('expected {"version": 1, "keys": […]}');
  }
  return { version: 1, keys: value.keys.map(parseEntry) };
}

export function formatKeyFile(file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

function parseEntry(value: unknown, index: number): KeyEntry {
  const at = `keys[${index}]`;
  if (!isObject(value)) throw new Error(`${at}: expected an object`);
  const text = (name: string): string => {
    const field = value[name];
    if (typeof field !== 'string' || field === '') throw new Error(`${at}.${name}: expected a text`);
    return field;
  };
  const { schema, database } = value;
  if (schema !== undefined && typeof schema !== 'string') throw new Error(`${at}.schema: expected a text`);
  return {
    id: text('id'),
    name: text('name'),
    hash: text('hash'),
    createdAt: text('createdAt'),
    endpoint: text('endpoint'),
    plan: text('plan'),
    ...(schema === undefined ? {} : { schema }),
    ...(database === undefined ? {} : { database: parseSealed(database, `${at}.database`) }),
  };
}

function parseSealed(value: unknown, at: string): SealedText {
  if (!isObject(value) || typeof value.nonce !== 'string' || typeof value.ciphertext !== 'string') {
    throw new Error(`${at}: expected {"nonce", "ciphertext"}`);
  }
  return { nonce: value.nonce, ciphertext: value.ciphertext };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
