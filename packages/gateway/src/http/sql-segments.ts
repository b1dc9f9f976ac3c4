// What is sent to Postgres for a request. Everything of a request is one segment (one Sync): one round trip, and an
// error anywhere makes Postgres skip the rest.

import {
  type BatchOptions,
  isolationLevels,
  type SqlRequestBody,
  type SqlStatement,
  type TransactionRequest,
} from '@postern/contract';
import { encodeQuery } from '@postern/wire';
import type { SegmentWriter } from './segment-writer.ts';

/** What is run around the statements of a request, for callers who asked for it otherwise than as SQL. */
export interface SegmentCommands {
  /** BEGIN with its options. */
  readonly before: string | undefined;
  readonly after: 'COMMIT' | 'ROLLBACK' | undefined;
  /** What the statements do is committed with the segment, unless one of them fails. */
  readonly isCommitting: boolean;
}

/** A batch is a transaction; a request of an interactive transaction brings what it says and nothing else. */
export function segmentCommands(
  body: SqlRequestBody,
  batch: BatchOptions,
  transaction: TransactionRequest | undefined,
): SegmentCommands {
  if (transaction === undefined) {
    return body.kind === 'single' ? noCommands : { before: beginSql(batch), after: 'COMMIT', isCommitting: true };
  }
  return {
    before: transaction.kind === 'begin' ? beginSql(batch) : undefined,
    after: transaction.end === undefined ? undefined : endSql[transaction.end],
    isCommitting: transaction.end === 'commit',
  };
}

const noCommands: SegmentCommands = { before: undefined, after: undefined, isCommitting: true };
const endSql = { commit: 'COMMIT', rollback: 'ROLLBACK' } as const;

/** One segment with one statement, by its name; `isNew`: the session does not have it yet. Borrowed from `writer`. */
export function writeNamedSegment(
  writer: SegmentWriter,
  { query, params }: SqlStatement,
  name: string,
  isNew: boolean,
): Uint8Array {
  writer.named(name, isNew ? query : undefined, params);
  return writer.finish();
}

/** One segment; borrowed from `writer`. */
export function writeSegment(
  writer: SegmentWriter,
  statements: readonly SqlStatement[],
  { before, after }: SegmentCommands,
): Uint8Array {
  if (before !== undefined) writer.command(before);
  for (const { query, params } of statements) writer.statement(query, params);
  if (after !== undefined) writer.command(after);
  return writer.finish();
}

/** Ends a transaction that failed. */
export function encodeRollback(): Uint8Array {
  return encodeQuery('ROLLBACK');
}

/** False options add nothing, as at Neon; whether a combination means something is for Postgres to say. */
function beginSql({ isolationLevel, isReadOnly, isDeferrable }: BatchOptions): string {
  const modes = [
    isolationLevel === undefined ? '' : `ISOLATION LEVEL ${isolationLevels[isolationLevel]}`,
    isReadOnly ? 'READ ONLY' : '',
    isDeferrable ? 'DEFERRABLE' : '',
  ].filter((mode) => mode !== '');
  return modes.length === 0 ? 'BEGIN' : `BEGIN ${modes.join(', ')}`;
}
