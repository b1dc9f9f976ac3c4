/** The one family of errors a program sees, over HTTP and WebSocket alike. Compare `code` or `kind`, not texts. */
import type { GatewayErrorCode } from '@postern/contract';

export type { GatewayErrorCode };

/**
 * `database`: Postgres or the gateway said no. `connection`: it could not be reached or was lost. `protocol`: it answered
 * something that makes no sense. `usage`: the call itself is wrong, nothing was sent.
 */
export type ErrorKind = 'database' | 'connection' | 'protocol' | 'usage';

/** What is known about an error. The fields of Postgres are all text; those that do not apply are undefined. */
export interface ErrorDetails {
  readonly kind?: ErrorKind | undefined;
  readonly severity?: string | undefined;
  /** SQLSTATE. */
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: string | undefined;
  readonly internalPosition?: string | undefined;
  readonly internalQuery?: string | undefined;
  readonly where?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: string | undefined;
  readonly routine?: string | undefined;
  /** Of errors of the gateway's own over HTTP: their name in its list of errors, where several have the same SQLSTATE. */
  readonly gatewayCode?: GatewayErrorCode | undefined;
  /** True only if repeating the whole transaction cannot apply anything twice. */
  readonly safeToRetry?: boolean | undefined;
  /** Also in the gateway's log. */
  readonly requestId?: string | undefined;
  /** Of a batch: the statement that failed. */
  readonly statementIndex?: number | undefined;
  /** Of the HTTP answer. */
  readonly status?: number | undefined;
  /** The error below, as the official driver calls it. */
  readonly sourceError?: Error | undefined;
}

/** Any failure of this package. `NeonDbError` is the same class. */
export interface PosternError extends ErrorDetails {
  readonly kind: ErrorKind;
  readonly safeToRetry: boolean;
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns what the interface lists
export class PosternError extends Error {
  constructor(message: string, details?: ErrorDetails) {
    super(message);
    // Bun's and Safari's errors have a line and a column of their own: the program's, not Postgres'.
    const own = { line: undefined, column: undefined, name: 'NeonDbError', kind: 'database', safeToRetry: false };
    Object.assign(this, own, details);
  }
}

/** One that this package raises. */
export function createError(kind: ErrorKind, message: string, code?: string, more?: ErrorDetails): PosternError {
  return new PosternError(message, { kind, code, ...more });
}
