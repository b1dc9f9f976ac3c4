/** Errors before a session exists, as start-up answers them: one ErrorResponse, always FATAL, then the end. */
import { toGatewayError } from '@postern/contract';
import type { PoolError } from '@postern/pool';
import { DatabaseError, type ErrorFields, ProtocolError } from '@postern/wire';

export interface Refusal {
  /** For the caller. */
  fields: ErrorFields;
  /** WebSocket close code (RFC 6455 §7.4). */
  closeCode: number;
  /** Machine-readable, for the log: the catalogue's code, or the SQLSTATE of Postgres. */
  code: string;
  /** For the operator only. */
  detail: string | undefined;
}

const policyViolation = 1008;
const protocolError = 1002;
const tryAgainLater = 1013;

export function refusalOf(error: unknown): Refusal {
  if (error instanceof DatabaseError) {
    const isTemporary = error.code.startsWith('53') || error.code === '57P03';
    return {
      fields: fatal(error),
      closeCode: isTemporary ? tryAgainLater : policyViolation,
      code: error.code,
      detail: undefined,
    };
  }
  if (error instanceof ProtocolError) {
    return {
      fields: { severity: 'FATAL', code: error.code, message: error.message },
      closeCode: protocolError,
      code: 'protocol_violation',
      detail: error.detail,
    };
  }
  if (isPoolError(error)) {
    const { sqlstate, message, detail, hint } = error;
    return {
      fields: { severity: 'FATAL', code: sqlstate, message, detail, hint },
      closeCode: tryAgainLater,
      code: error.code,
      detail: error.cause instanceof Error ? error.cause.message : undefined,
    };
  }
  const gatewayError = toGatewayError(error);
  return {
    fields: { severity: 'FATAL', code: gatewayError.sqlstate, message: gatewayError.message, hint: gatewayError.hint },
    closeCode: gatewayError.closeCode,
    code: gatewayError.code,
    detail: gatewayError.detail,
  };
}

function isPoolError(error: unknown): error is PoolError {
  return error instanceof Error && 'kind' in error && error.kind === 'pool';
}

/** Everything that concerns the caller; file and line of Postgres' source do not. */
function fatal(error: DatabaseError): ErrorFields {
  const { code, message, detail, hint, where, schema, table, column, dataType, constraint, routine } = error;
  return {
    severity: 'FATAL',
    code,
    message,
    detail,
    hint,
    where,
    schema,
    table,
    column,
    dataType,
    constraint,
    routine,
  };
}
