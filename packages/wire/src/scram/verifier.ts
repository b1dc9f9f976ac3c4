/** What a server keeps of a password: enough to check a login, not enough to make one. */
import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { encodeText } from '../bytes/text.ts';
import { ProtocolError } from '../protocol-error.ts';
import { deriveScramKeys, hmacSha256, scramKeyBytes, sha256 } from './keys.ts';

export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Postgres' defaults (scram_iterations, SCRAM_DEFAULT_SALT_LEN). */
export const defaultScramIterations = 4096;
export const defaultScramSaltBytes = 16;

const maxIterations = 2 ** 31 - 1;
const verifierText = /^SCRAM-SHA-256\$(\d{1,10}):([^$:]+)\$([^$:]+):([^$:]+)$/;

/**
 * Reads `pg_authid.rolpassword`: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. Undefined for anything
 * else, such as an MD5 hash, which is a fact about the role and no fault.
 */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const parts = verifierText.exec(text);
  if (parts === null) return undefined;
  const iterations = Number(parts[1]);
  const [salt, storedKey, serverKey] = [parts[2]!, parts[3]!, parts[4]!].map(decodeBase64);
  if (iterations < 1 || iterations > maxIterations || salt === undefined) return undefined;
  if (storedKey?.length !== scramKeyBytes || serverKey?.length !== scramKeyBytes) return undefined;
  return { iterations, salt, storedKey, serverKey };
}

/** The text `parseScramVerifier` reads, also accepted by `CREATE ROLE … PASSWORD '…'`. */
export function formatScramVerifier(verifier: ScramVerifier): string {
  const { iterations, salt, storedKey, serverKey } = verifier;
  return `SCRAM-SHA-256$${iterations}:${encodeBase64(salt)}$${encodeBase64(storedKey)}:${encodeBase64(serverKey)}`;
}

/** `salt` should be 16 random bytes. */
export async function buildScramVerifier(
  password: string,
  salt: Uint8Array,
  iterations: number = defaultScramIterations,
): Promise<ScramVerifier> {
  if (!Number.isInteger(iterations) || iterations < 1 || iterations > maxIterations) {
    throw new ProtocolError(`${iterations} is no valid SCRAM iteration count`, { side: 'local' });
  }
  const { clientKey, serverKey } = await deriveScramKeys(password, salt, iterations);
  return { iterations, salt, storedKey: await sha256(clientKey), serverKey };
}

/**
 * A verifier for a user who does not exist, so that he goes through the same exchange as one who does: always the same
 * salt for the same name, as a real one has, and keys nobody can have a password for. `secretSeed` (32 random bytes)
 * must stay the same between restarts and gateways, and secret; `iterations` must be what the real verifiers have.
 */
export async function mockScramVerifier(
  user: string,
  secretSeed: Uint8Array,
  iterations: number = defaultScramIterations,
): Promise<ScramVerifier> {
  const [salt, storedKey, serverKey] = await Promise.all(
    ['salt', 'stored key', 'server key'].map((purpose) => hmacSha256(secretSeed, encodeText(`${purpose}\0${user}`))),
  );
  return { iterations, salt: salt!.slice(0, defaultScramSaltBytes), storedKey: storedKey!, serverKey: serverKey! };
}
