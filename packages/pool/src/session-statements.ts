/** One session's prepared-statement names, as Postgres keeps them per connection. */
import type { Statement } from './statements.ts';

export class SessionStatements {
  private names: Map<string, Statement> | undefined;
  private former: Map<string, Statement> | undefined;

  get(name: string): Statement | undefined {
    return this.names?.get(name);
  }
  /** Whether a name stands for this statement. */
  holds(statement: Statement): boolean {
    for (const held of this.values()) if (held === statement) return true;
    return false;
  }
  values(): Iterable<Statement> {
    return this.names?.values() ?? [];
  }
  /** Every name of the one statement stands for the other. */
  replace(statement: Statement, other: Statement): void {
    for (const [name, held] of this.names ?? []) if (held === statement) this.names?.set(name, other);
  }
  set(name: string, statement: Statement): void {
    this.names ??= new Map();
    this.names.set(name, statement);
  }
  clear(): void {
    for (const key of this.names?.keys() ?? []) this.forget(key);
    this.names = undefined;
  }
  /** Deletes a name; what was sent earlier may still be answered with the statement's name on the server. */
  forget(name: string): void {
    const statement = this.names?.get(name);
    if (statement === undefined) return;
    this.names?.delete(name);
    this.former ??= new Map();
    this.former.delete(name);
    if (this.former.size >= maxFormerNames) this.former.delete(this.former.keys().next().value!);
    this.former.set(name, statement);
  }
  /** `message` with server-side names replaced by the session's own. */
  renameIn(message: string): string {
    let renamed = message;
    for (const [key, statement] of [...(this.names ?? []), ...[...(this.former ?? [])].reverse()]) {
      renamed = renamed.replaceAll(`"${utf8.decode(statement.name)}"`, `"${nameText(key)}"`);
    }
    return renamed;
  }
  get size(): number {
    return this.names?.size ?? 0;
  }
}

const utf8 = new TextDecoder();
const maxFormerNames = 32;
/** Postgres tells names apart by their first 63 bytes (NAMEDATALEN). */
const maxNameBytes = 63;

/** A name as people read it. */
export function nameText(key: string): string {
  return utf8.decode(Uint8Array.from(key, (character) => character.charCodeAt(0)));
}

/** A statement name as a key: one character per byte, so that any encoding of the caller's is told apart. */
export function nameKey(bytes: Uint8Array, start: number, end: number): string {
  const length = Math.min(end - start, maxNameBytes);
  // The same few names come again and again: finding one's key is cheaper than making it, and it is hashed already.
  const slot = length > 0 ? bytes[start + length - 1]! & (latestKeys.length - 1) : 0;
  const latest = latestKeys[slot]!;
  if (isKeyOf(latest, bytes, start, length)) return latest;
  const key = String.fromCharCode(...bytes.subarray(start, start + length));
  latestKeys[slot] = key;
  return key;
}

const latestKeys = new Array<string>(32).fill('');

function isKeyOf(key: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let at = 0; at < length; at++) if (key.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}
