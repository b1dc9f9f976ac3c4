// A request is sent in one piece, COMMIT included, so Postgres may be done with it when the gateway finds that it cannot
// answer. Then the error says what became of it: who takes a failure for a rollback would do everything twice.

import { GatewayError } from '@postern/contract';
import { DatabaseError } from '@postern/wire';
import { knownError } from './error-reply.ts';

/** `unknown`: Postgres was told to stop, and may have been done. */
export type TransactionFate = 'undone' | 'committed' | 'unknown';

/** Where a request is that cannot be answered. */
export interface RequestPosition {
  /** Of its segment, see SegmentCommands. */
  readonly isCommitting: boolean;
  /** Postgres undid what it did. */
  readonly isUndone: boolean;
  /** The gateway found something that keeps it from answering; else the session was lost, whose error says what that means. */
  readonly isOurFailure: boolean;
  /** Of the ReadyForQuery behind everything that was sent. */
  readonly ready: number | undefined;
}

const noTransaction = 0x49; // I

export function fateOf({ isCommitting, isUndone, isOurFailure, ready }: RequestPosition): TransactionFate {
  if (!isCommitting || isUndone) return 'undone';
  if (ready === noTransaction) return 'committed';
  return isOurFailure && ready === undefined ? 'unknown' : 'undone';
}

/** The error, with what the caller has to know. Errors of Postgres' own undo what was done, and say it all. */
export function withFate(error: unknown, fate: TransactionFate): unknown {
  if (error === undefined || fate === 'undone') return error;
  const known = knownError(error);
  if (known instanceof DatabaseError) return error;
  const { code, message, hint, detail } = known;
  const told = fate === 'committed' ? 'was committed' : 'may have been committed';
  return new GatewayError(code, `${message}; what the request did ${told}`, { hint, detail, cause: known });
}
