/**
 * What the rows of a prepared statement look like: its columns' names and types, as one number. Callers that were told once
 * decode by it ever after, so a statement must not be run for them that has come to return something else.
 */
import { BackendCode } from '@postern/wire';

/** It returns none. */
export const noRows = 0;

/** What a RowDescription or NoData (borrowed) says. Not where the columns come from, which Postgres does not compare either. */
export function shapeOf(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== BackendCode.RowDescription) return noRows;
  const count = (bytes[start + 5]! << 8) | bytes[start + 6]!;
  // FNV-1a.
  let hash = 0x811c9dc5 ^ count;
  let at = start + 7;
  for (let i = 0; i < count; i++) {
    do hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    while (bytes[at++] !== 0);
    // Behind the table and the column's number: the type. Behind its length: the modifier.
    for (let j = 6; j < 16; j++) if (j !== 10 && j !== 11) hash = Math.imul(hash ^ bytes[at + j]!, 0x01000193);
    at += 18;
  }
  return hash === noRows ? 1 : hash;
}
