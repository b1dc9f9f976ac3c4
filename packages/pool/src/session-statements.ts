/** One session's prepared-statement names, as Postgres keeps them per connection. */
import type { Statement } from './statements.ts';

export class SessionStatements {
  private names: Map<string, Statement> | undefined;

  get(name: string): Statement | undefined {
    return this.names?.get(name);
  }
  set(name: string, statement: Statement): void {
    this.names ??= new Map();
    this.names.set(name, statement);
  }
  delete(name: string): void {
    this.names?.delete(name);
  }
  clear(): void {
    this.names = undefined;
  }
  /** `message` with server-side names replaced by the session's own. */
  renameIn(message: string): string {
    let renamed = message;
    for (const [key, statement] of this.names ?? []) {
      renamed = renamed.replaceAll(`"${decoder.decode(statement.name)}"`, `"${key}"`);
    }
    return renamed;
  }
  get size(): number {
    return this.names?.size ?? 0;
  }
}

const decoder = new TextDecoder('latin1');

/** A statement name as a key: one character per byte, so that any encoding of the caller's is told apart. */
export function nameKey(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= 24) {
    let key = '';
    for (let i = start; i < end; i++) key += String.fromCharCode(bytes[i]!);
    return key;
  }
  return decoder.decode(bytes.subarray(start, end));
}
