// Every error Postern itself can produce, in one table. Errors of Postgres are not here: they pass through untouched.
// Each frontend maps from this table and from nowhere else.

import { type CapacityErrorCode, capacityErrors } from './capacity-errors.ts';
import { type TransactionErrorCode, transactionErrors } from './transaction-errors.ts';

/** The name of an error of Postern's own. Programs compare this (or the SQLSTATE), never the text. */
export type GatewayErrorCode =
  | 'invalid_connection_string'
  | 'invalid_connection_option'
  | 'invalid_header'
  | 'invalid_body'
  | 'invalid_statement'
  | 'request_too_large'
  | 'response_too_large'
  | 'unknown_path'
  | 'method_not_allowed'
  | 'missing_credentials'
  | 'authentication_failed'
  | 'endpoint_unknown'
  | 'authentication_timeout'
  | 'insecure_transport'
  | 'address_not_allowed'
  | 'message_too_large'
  | 'statement_limit'
  | 'protocol_violation'
  | 'unsupported_protocol'
  | 'text_frame'
  | 'query_cancelled'
  | 'shutting_down'
  | 'unsupported_over_http'
  | 'invalid_encoding'
  | CapacityErrorCode
  | TransactionErrorCode
  | 'internal_error';

/** How one error looks on each transport. */
export interface ErrorCatalogueEntry {
  /** Five characters, from Postgres' own list (Appendix A of its manual). */
  readonly sqlstate: string;
  /** The severity of the ErrorResponse: `FATAL` when the session cannot go on. */
  readonly severity: 'ERROR' | 'FATAL';
  /**
   * Status of a `/sql` response. Mostly 400, on purpose: that is the only status whose body the official driver
   * reads (reference/neon-wire.md §1.8); with any other one the program sees an opaque string without a code.
   */
  readonly httpStatus: number;
  /** WebSocket close code (RFC 6455 §7.4) when the error ends the session. */
  readonly closeCode: number;
  /** What Prisma calls it, for the Accelerate-compatible routes. */
  readonly prismaCode: string;
  /** true only if nothing of the caller's statement can have run: repeating it cannot do anything twice. */
  readonly safeToRetry: boolean;
  /** What happened, for people. */
  readonly meaning: string;
  /** What to change; sent as the error's hint unless a better one is known. */
  readonly cure: string;
}

const badRequest = {
  severity: 'FATAL',
  httpStatus: 400,
  closeCode: 1008,
  prismaCode: 'P1013',
  safeToRetry: false,
} as const;

// One row for both on purpose: an unknown endpoint must not be told from a wrong password (DESIGN.md, Authentication).
const authenticationFailed = {
  sqlstate: '28P01',
  severity: 'FATAL',
  httpStatus: 400,
  closeCode: 1008,
  prismaCode: 'P1000',
  safeToRetry: false,
  cure: 'Check host, user, password and database of the connection string.',
} as const;

/** The table. */
export const errorCatalogue: Readonly<Record<GatewayErrorCode, ErrorCatalogueEntry>> = {
  invalid_connection_string: {
    ...badRequest,
    sqlstate: '22023',
    meaning: 'The connection string cannot be read.',
    cure: 'It must look like postgres://user:password@host/database; percent-encode special characters in user and password.',
  },
  invalid_connection_option: {
    ...badRequest,
    sqlstate: '22023',
    meaning: 'An option of the connection string or start-up packet has a value that is not allowed.',
    cure: 'Correct the option that the message names.',
  },
  invalid_header: {
    ...badRequest,
    sqlstate: '22023',
    severity: 'ERROR',
    meaning: 'A request header is missing or has a value that is not allowed.',
    cure: 'Correct the header that the message names.',
  },
  invalid_body: {
    ...badRequest,
    sqlstate: '22023',
    severity: 'ERROR',
    meaning: 'The request body is not what the route expects.',
    cure: 'Send {"query": "SELECT $1", "params": ["1"]} or {"queries": [ … ]} as JSON.',
  },
  invalid_statement: {
    ...badRequest,
    sqlstate: '54000',
    severity: 'ERROR',
    prismaCode: 'P2010',
    meaning:
      'The statement cannot be expressed in the Postgres protocol (a NUL character, more than 65535 parameters).',
    cure: 'Correct the statement; split it when it has too many parameters, or pass one array.',
  },
  request_too_large: {
    sqlstate: '54000',
    severity: 'ERROR',
    httpStatus: 413,
    closeCode: 1009,
    prismaCode: 'P6000',
    safeToRetry: false,
    meaning: 'The request body is larger than the gateway accepts.',
    cure: 'Send less per request, or use a WebSocket or TCP connection.',
  },
  response_too_large: {
    sqlstate: '54000',
    severity: 'ERROR',
    httpStatus: 507,
    closeCode: 1009,
    prismaCode: 'P6009',
    safeToRetry: false,
    meaning: 'The result is larger than one response may be.',
    cure: 'Select fewer rows or columns (LIMIT), or use a WebSocket or TCP connection.',
  },
  unknown_path: {
    sqlstate: '08P01',
    severity: 'ERROR',
    httpStatus: 404,
    closeCode: 1008,
    prismaCode: 'P6000',
    safeToRetry: false,
    meaning: 'Nothing is served at this path.',
    cure: 'POST /sql runs SQL, GET /health tells the state, /v2 and /v1 take WebSockets.',
  },
  method_not_allowed: {
    sqlstate: '08P01',
    severity: 'ERROR',
    httpStatus: 405,
    closeCode: 1008,
    prismaCode: 'P6000',
    safeToRetry: false,
    meaning: 'The path exists but not with this method.',
    cure: 'Use the method that the Allow header names.',
  },
  missing_credentials: {
    ...authenticationFailed,
    sqlstate: '28000',
    meaning: 'The request carries no password and no token.',
    cure: 'Put the password into the connection string, or send "Authorization: Bearer …".',
  },
  authentication_failed: { ...authenticationFailed, meaning: 'User, password or database role were not accepted.' },
  endpoint_unknown: {
    ...authenticationFailed,
    meaning: 'No such endpoint. Outside it looks exactly like authentication_failed.',
  },
  authentication_timeout: {
    sqlstate: '57014',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1008,
    prismaCode: 'P1002',
    safeToRetry: true,
    meaning: 'The caller did not finish its start-up in time.',
    cure: 'Send start-up packet and password right after connecting.',
  },
  insecure_transport: {
    sqlstate: '28000',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1008,
    prismaCode: 'P1011',
    safeToRetry: false,
    meaning: 'A password would have crossed the network readable by everyone.',
    cure: 'Connect with TLS (sslmode=require, https, wss).',
  },
  address_not_allowed: {
    sqlstate: '28000',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1008,
    prismaCode: 'P1010',
    safeToRetry: false,
    meaning: 'The target address is not one the operator allows.',
    cure: 'Use a configured endpoint, or ask the operator to allow the address.',
  },
  ...capacityErrors,
  message_too_large: {
    sqlstate: '54000',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1009,
    prismaCode: 'P6000',
    safeToRetry: false,
    meaning: 'One protocol message is larger than the gateway accepts.',
    cure: 'Send the data in several statements or with COPY.',
  },
  statement_limit: {
    sqlstate: '53400',
    severity: 'ERROR',
    httpStatus: 400,
    closeCode: 1008,
    prismaCode: 'P2010',
    safeToRetry: false,
    meaning: 'The session keeps more prepared statements than allowed.',
    cure: 'Close statements that are no longer needed.',
  },
  protocol_violation: {
    sqlstate: '08P01',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1002,
    prismaCode: 'P1017',
    safeToRetry: false,
    meaning: 'The other side sent something that is not the Postgres protocol.',
    cure: 'Check that the client speaks Postgres protocol 3 to this port.',
  },
  unsupported_protocol: {
    sqlstate: '0A000',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1002,
    prismaCode: 'P1017',
    safeToRetry: false,
    meaning: 'The protocol version asked for is not supported.',
    cure: 'Use a client that speaks protocol 3.0 or 3.2.',
  },
  text_frame: {
    sqlstate: '08P01',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1003,
    prismaCode: 'P1017',
    safeToRetry: false,
    meaning: 'A WebSocket text message arrived where only binary ones mean something.',
    cure: 'Send the Postgres protocol in binary WebSocket messages.',
  },
  query_cancelled: {
    sqlstate: '57014',
    severity: 'ERROR',
    httpStatus: 400,
    closeCode: 1000,
    prismaCode: 'P6004',
    safeToRetry: false,
    meaning: 'The query was cancelled on request.',
    cure: 'Nothing to change unless the cancel was not wanted.',
  },
  shutting_down: {
    sqlstate: '57P01',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1001,
    prismaCode: 'P1017',
    safeToRetry: true,
    meaning: 'The gateway is shutting down and takes no new work.',
    cure: 'Connect again; another gateway or the restarted one will answer.',
  },
  unsupported_over_http: {
    sqlstate: '0A000',
    severity: 'ERROR',
    httpStatus: 400,
    closeCode: 1008,
    prismaCode: 'P2010',
    safeToRetry: false,
    meaning: 'The statement needs a conversation (COPY, replication), which one HTTP request cannot hold.',
    cure: 'Use a WebSocket or TCP connection for it.',
  },
  invalid_encoding: {
    sqlstate: '22021',
    severity: 'ERROR',
    httpStatus: 400,
    closeCode: 1007,
    prismaCode: 'P2010',
    safeToRetry: false,
    meaning: 'A value is not valid UTF-8 and therefore cannot be put into JSON.',
    cure: 'Keep client_encoding at UTF8 over HTTP; read binary data as bytea.',
  },
  ...transactionErrors,
  internal_error: {
    sqlstate: 'XX000',
    severity: 'FATAL',
    httpStatus: 500,
    closeCode: 1011,
    prismaCode: 'P6000',
    safeToRetry: false,
    meaning: 'A defect of the gateway.',
    cure: 'Report it with the request id; the log holds the details.',
  },
};

/** Whether `code` names an error of this table. */
export function isGatewayErrorCode(code: unknown): code is GatewayErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCatalogue, code);
}
