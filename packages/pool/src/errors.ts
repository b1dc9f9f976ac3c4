/** Errors the engine itself makes. Their codes are listed in the catalogue of @postern/contract. */

export type PoolErrorCode =
  | 'pool_timeout'
  | 'connect_failed'
  | 'connect_timeout'
  | 'too_many_connections'
  | 'server_connection_lost'
  | 'pin_limit'
  | 'query_cancelled'
  | 'session_state_lost'
  | 'idle_timeout'
  | 'shutting_down';

export interface PoolErrorFields {
  readonly code: PoolErrorCode;
  /** SQLSTATE of the ErrorResponse that a caller gets. */
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** True only when nothing of the caller's can have reached Postgres. */
  readonly safeToRetry: boolean;
  readonly cause?: unknown;
}

/** An error of the pool, with everything an ErrorResponse needs. */
export class PoolError extends Error {
  readonly kind = 'pool';
  readonly code: PoolErrorCode;
  readonly sqlstate: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly safeToRetry: boolean;

  constructor(fields: PoolErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'PoolError';
    this.code = fields.code;
    this.sqlstate = fields.sqlstate;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.safeToRetry = fields.safeToRetry;
  }
}

/** Why a connection cannot be opened, now or later: what was configured does not fit what is there. `code` as in `Dial`. */
export class FinalDialError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'FinalDialError';
    this.code = code;
  }
}
