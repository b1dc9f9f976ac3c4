/** Postgres said no: an ErrorResponse with everything that was in it. */
import { decodeErrorFields, type ErrorFields } from './messages/error-response.ts';
import { sqlState } from './sql-state.ts';

/**
 * The codes after which the work can be done again from the start of its transaction without being done twice:
 * Postgres rolled that transaction back for a reason that may be gone next time (40001, 40P01), or never began
 * (53300, 57P03). Everything else either would fail again or, like 57P01 and 08006, may have come after a commit.
 */
const retryableCodes: ReadonlySet<string> = new Set([
  sqlState.serializationFailure,
  sqlState.deadlockDetected,
  sqlState.tooManyConnections,
  sqlState.cannotConnectNow,
]);

export class DatabaseError extends Error implements ErrorFields {
  override readonly name = 'DatabaseError';
  readonly kind = 'database';
  readonly severity: string;
  readonly severityNonLocalized: string | undefined;
  /** SQLSTATE. */
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly position: string | undefined;
  readonly internalPosition: string | undefined;
  readonly internalQuery: string | undefined;
  readonly where: string | undefined;
  readonly schema: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly dataType: string | undefined;
  readonly constraint: string | undefined;
  readonly file: string | undefined;
  readonly line: string | undefined;
  readonly routine: string | undefined;
  /**
   * True when repeating the *whole transaction* that failed cannot apply anything twice and may succeed. It says nothing
   * about transactions before it in the same segment (`UPDATE …; COMMIT; UPDATE …` as one Query), and inside an open
   * transaction it does not mean that the last statement alone can be repeated: that needs ROLLBACK and a new start.
   */
  readonly safeToRetry: boolean;

  constructor(fields: ErrorFields) {
    super(fields.message);
    this.severity = fields.severity;
    this.severityNonLocalized = fields.severityNonLocalized;
    this.code = fields.code;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.position = fields.position;
    this.internalPosition = fields.internalPosition;
    this.internalQuery = fields.internalQuery;
    this.where = fields.where;
    this.schema = fields.schema;
    this.table = fields.table;
    this.column = fields.column;
    this.dataType = fields.dataType;
    this.constraint = fields.constraint;
    this.file = fields.file;
    this.line = fields.line;
    this.routine = fields.routine;
    this.safeToRetry = retryableCodes.has(fields.code);
  }
}

/** The body of an ErrorResponse as an error to throw. Throws ProtocolError if it is malformed. */
export function databaseErrorFrom(body: Uint8Array): DatabaseError {
  return new DatabaseError(decodeErrorFields(body));
}
