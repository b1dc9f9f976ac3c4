// Any error → what a caller of `/sql` gets: a status and the 17 keys of reference/neon-wire.md §1.8.

import { GatewayError, type SqlErrorBody, toGatewayError } from '@postern/contract';
import { DatabaseError, ProtocolError } from '@postern/wire';

export interface ErrorReply {
  readonly status: number;
  readonly body: SqlErrorBody;
}

/**
 * Postgres' own errors keep every field and have status 400, like nearly everything else: the official driver reads
 * no other body. What is added to Neon's keys, its driver ignores.
 */
export function errorReply(thrown: unknown, statementIndex?: number): ErrorReply {
  const error = knownError(thrown);
  const index = statementIndex === undefined ? {} : { statementIndex };
  const retry = error.safeToRetry ? ({ safeToRetry: true } as const) : {};
  if (error instanceof DatabaseError) return { status: 400, body: { ...databaseErrorBody(error), ...index, ...retry } };
  const { message, sqlstate, severity, hint, httpStatus, code } = error;
  // What only the operator may know, see the catalogue.
  const gatewayCode = code === 'endpoint_unknown' ? 'authentication_failed' : code;
  const body = { ...noFields, message, code: sqlstate, hint, severity, ...index, gatewayCode, ...retry };
  return { status: httpStatus, body };
}

/** Whatever was thrown, as one of the two kinds of error there are: Postgres' and ours. */
export function knownError(thrown: unknown): DatabaseError | GatewayError {
  if (thrown instanceof DatabaseError) return thrown;
  return thrown instanceof ProtocolError ? unreadableReply(thrown) : toGatewayError(thrown);
}

// The order of the keys is Neon's.
const noFields: SqlErrorBody = {
  message: '',
  code: '',
  detail: null,
  hint: null,
  position: null,
  internalPosition: null,
  internalQuery: null,
  severity: '',
  where: null,
  table: null,
  column: null,
  schema: null,
  dataType: null,
  constraint: null,
  file: null,
  line: null,
  routine: null,
};

function databaseErrorBody(error: DatabaseError): SqlErrorBody {
  return {
    message: error.message,
    code: error.code,
    detail: error.detail ?? null,
    hint: error.hint ?? null,
    position: error.position ?? null,
    internalPosition: error.internalPosition ?? null,
    internalQuery: error.internalQuery ?? null,
    severity: error.severity,
    where: error.where ?? null,
    table: error.table ?? null,
    column: error.column ?? null,
    schema: error.schema ?? null,
    dataType: error.dataType ?? null,
    constraint: error.constraint ?? null,
    file: error.file ?? null,
    line: error.line ?? null,
    routine: error.routine ?? null,
  };
}

/** Bytes from the session that are not the Postgres protocol. */
function unreadableReply(cause: ProtocolError): GatewayError {
  return new GatewayError('protocol_violation', 'could not parse postgres response', { detail: cause.message, cause });
}
