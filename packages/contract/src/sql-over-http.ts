// `POST /sql`: one statement or one transaction per request (reference/neon-wire.md §1). Names and shapes only;
// the request body is read in sql-request-body.ts.

import type { GatewayErrorCode } from './error-catalogue.ts';
import { GatewayError } from './gateway-error.ts';

/** Path of the route. */
export const sqlPath = '/sql';

/** Header names, lower case. A boolean header is true only when its value is exactly `true`. */
export const sqlHeader = {
  /** Required: target and credentials, visible ASCII. */
  connectionString: 'neon-connection-string',
  /** Values as Postgres' text output instead of JSON values. */
  rawTextOutput: 'neon-raw-text-output',
  /** Rows as arrays instead of objects; a statement's own `arrayMode` wins. */
  arrayMode: 'neon-array-mode',
  /** Sent by drivers before 0.9; every request is pooled here. */
  poolOptIn: 'neon-pool-opt-in',
  batchIsolationLevel: 'neon-batch-isolation-level',
  batchReadOnly: 'neon-batch-read-only',
  batchDeferrable: 'neon-batch-deferrable',
  /** On every response: a UUID, also in the log. */
  requestId: 'neon-request-id',
  /** `Bearer …` instead of a password. */
  authorization: 'authorization',
} as const;

/** Values of the isolation level header (case matters) and what they are in SQL. */
export const isolationLevels = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
} as const;

export type IsolationLevel = keyof typeof isolationLevels;

/** What the batch headers ask of the transaction. False and absent are the same: nothing is added to BEGIN. */
export interface BatchOptions {
  readonly isolationLevel: IsolationLevel | undefined;
  readonly isReadOnly: boolean;
  readonly isDeferrable: boolean;
}

/** One column of a result. The text protocol is used throughout, hence `format`. */
export interface SqlField {
  readonly name: string;
  readonly dataTypeID: number;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeSize: number;
  readonly dataTypeModifier: number;
  readonly format: 'text';
}

/** Answer to one statement. These keys in this order and no other: a test of the driver compares the whole object. */
export interface SqlResult {
  readonly fields: readonly SqlField[];
  /** Arrays or objects; cells are strings or null in raw mode, any JSON otherwise. */
  readonly rows: readonly (readonly unknown[] | Readonly<Record<string, unknown>>)[];
  /** First word of the command tag; '' for an empty statement. */
  readonly command: string;
  readonly rowCount: number | null;
  /** Whether `rows` holds arrays. */
  readonly rowAsArray: boolean;
}

/** Answer to a batch: one result per statement, in order. */
export interface SqlBatchResult {
  readonly results: readonly SqlResult[];
}

/** Body of every error of the route: always these keys. Absent fields are null, numbers are text. */
export interface SqlErrorBody {
  readonly message: string;
  /** SQLSTATE. */
  readonly code: string;
  readonly detail: string | null;
  readonly hint: string | null;
  readonly position: string | null;
  readonly internalPosition: string | null;
  readonly internalQuery: string | null;
  readonly severity: string;
  readonly where: string | null;
  readonly table: string | null;
  readonly column: string | null;
  readonly schema: string | null;
  readonly dataType: string | null;
  readonly constraint: string | null;
  readonly file: string | null;
  readonly line: string | null;
  readonly routine: string | null;
  /** Of a batch only: index of the statement that failed. */
  readonly statementIndex?: number;
  /** Of the gateway's own errors only: their name in the catalogue; several have the same SQLSTATE. */
  readonly gatewayCode?: GatewayErrorCode;
  /** Present when repeating (for a transaction: all of it) cannot do anything twice and may succeed. */
  readonly safeToRetry?: true;
}

/** Reads the batch headers; throws a GatewayError (`invalid_header`) for an unknown isolation level. */
export function parseBatchOptions(header: (name: string) => string | undefined): BatchOptions {
  const level = header(sqlHeader.batchIsolationLevel);
  if (level !== undefined && !isIsolationLevel(level)) {
    throw new GatewayError('invalid_header', 'invalid isolation level', {
      hint: `Neon-Batch-Isolation-Level must be one of ${Object.keys(isolationLevels).join(', ')}.`,
    });
  }
  return {
    isolationLevel: level,
    isReadOnly: header(sqlHeader.batchReadOnly) === 'true',
    isDeferrable: header(sqlHeader.batchDeferrable) === 'true',
  };
}

function isIsolationLevel(level: string): level is IsolationLevel {
  return Object.hasOwn(isolationLevels, level);
}
