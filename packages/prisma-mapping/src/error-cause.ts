// What Prisma wants to know of an error: the `cause` of its DriverAdapterError. Duck-typed on Prisma's side (it looks at
// `name` and `cause`), so nothing of Prisma is needed here.

type Constraint = { readonly fields: readonly string[] } | { readonly index: string };

/** `MappedError` of @prisma/driver-adapter-utils, as far as a Postgres adapter needs it. */
export type MappedError =
  | { readonly kind: 'UnsupportedNativeDataType'; readonly type: string }
  | { readonly kind: 'InvalidIsolationLevel'; readonly level: string }
  | { readonly kind: 'LengthMismatch'; readonly column?: string | undefined }
  | {
      readonly kind: 'UniqueConstraintViolation';
      readonly constraint?: Constraint | undefined;
      readonly table?: string | undefined;
    }
  | {
      readonly kind: 'NullConstraintViolation' | 'ForeignKeyConstraintViolation' | 'RestrictViolation';
      readonly constraint?: Constraint | undefined;
    }
  | { readonly kind: 'DatabaseNotReachable'; readonly host?: string | undefined; readonly port?: number | undefined }
  | {
      readonly kind: 'DatabaseDoesNotExist' | 'DatabaseAlreadyExists' | 'DatabaseAccessDenied';
      readonly db?: string | undefined;
    }
  | { readonly kind: 'ConnectionClosed' | 'SocketTimeout' | 'TransactionWriteConflict' }
  | { readonly kind: 'TlsConnectionError'; readonly reason: string }
  | { readonly kind: 'AuthenticationFailed'; readonly user?: string | undefined }
  | { readonly kind: 'TableDoesNotExist'; readonly table?: string | undefined }
  | { readonly kind: 'ColumnNotFound'; readonly column?: string | undefined }
  | {
      readonly kind: 'TooManyConnections' | 'ValueOutOfRange' | 'TransactionAlreadyClosed';
      readonly cause: string;
    }
  | { readonly kind: 'InvalidInputValue'; readonly message: string }
  | {
      readonly kind: 'postgres';
      readonly code: string;
      readonly severity: string;
      readonly message: string;
      readonly detail: string | undefined;
      readonly column: string | undefined;
      readonly hint: string | undefined;
    };

/** With what Postgres said: raw queries show these instead of Prisma's own words. */
export type ErrorCause = MappedError & { readonly originalCode?: string; readonly originalMessage?: string };

/** Prisma's DriverAdapterError without Prisma: told by its name and its cause. */
export class DriverAdapterError extends Error {
  override readonly name = 'DriverAdapterError';
  override readonly cause: ErrorCause;

  constructor(cause: ErrorCause) {
    super('originalMessage' in cause && cause.originalMessage ? cause.originalMessage : cause.kind);
    this.cause = cause;
  }
}

/** A DriverAdapterError, ours or Prisma's. */
export function isDriverAdapterError(error: unknown): error is DriverAdapterError {
  return (
    error instanceof Error &&
    error.name === 'DriverAdapterError' &&
    typeof error.cause === 'object' &&
    error.cause !== null &&
    'kind' in error.cause
  );
}
