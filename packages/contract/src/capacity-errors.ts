// Errors of having no server connection, or no longer: rows of the catalogue in error-catalogue.ts.

import type { ErrorCatalogueEntry } from './error-catalogue.ts';

export type CapacityErrorCode =
  | 'pool_timeout'
  | 'too_many_sessions'
  | 'too_many_connections'
  | 'pin_limit'
  | 'rate_limited'
  | 'connect_failed'
  | 'connect_timeout'
  | 'database_starting'
  | 'server_connection_lost'
  | 'session_state_lost'
  | 'idle_timeout';

export const capacityErrors: Readonly<Record<CapacityErrorCode, ErrorCatalogueEntry>> = {
  pool_timeout: {
    sqlstate: '53300',
    severity: 'ERROR',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P2024',
    safeToRetry: true,
    meaning: 'No server connection became free within pool_timeout.',
    cure: 'Raise the limit that the message names (the pool size, or connection_limit) or pool_timeout, or shorten transactions.',
  },
  too_many_sessions: {
    sqlstate: '53300',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P2037',
    safeToRetry: true,
    meaning: 'The gateway holds as many callers as it may.',
    cure: 'Close unused connections, or raise the limit of callers.',
  },
  too_many_connections: {
    sqlstate: '53300',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P2037',
    safeToRetry: true,
    meaning: 'Postgres has no connection slot left for the gateway.',
    cure: 'Raise max_connections of the server or lower the pool size of the gateway.',
  },
  pin_limit: {
    sqlstate: '53400',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P2037',
    safeToRetry: true,
    meaning:
      'Too many sessions hold a server connection for themselves (temporary table, advisory lock, cursor WITH HOLD …).',
    cure: 'Release what pins the session, or use a direct connection (pooled=false).',
  },
  rate_limited: {
    sqlstate: '53400',
    severity: 'ERROR',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P5011',
    safeToRetry: true,
    meaning: 'More requests per second than the plan of the API key allows.',
    cure: 'Send fewer requests at once, or give the key another plan.',
  },
  connect_failed: {
    sqlstate: '08001',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P1001',
    safeToRetry: true,
    meaning: 'The database server cannot be reached.',
    cure: 'Check that the database runs and accepts connections from the gateway.',
  },
  connect_timeout: {
    sqlstate: '08001',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P1002',
    safeToRetry: true,
    meaning: 'The database server did not accept a connection within connect_timeout.',
    cure: 'Raise connect_timeout if the database needs longer to wake up (0 = no limit).',
  },
  database_starting: {
    sqlstate: '57P03',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1013,
    prismaCode: 'P1001',
    safeToRetry: true,
    meaning: 'The database server is starting up, shutting down or recovering.',
    cure: 'Try again, or raise connect_timeout so that the gateway waits for it.',
  },
  server_connection_lost: {
    sqlstate: '08006',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1011,
    prismaCode: 'P1017',
    safeToRetry: false,
    meaning: 'The server connection broke while the statement ran; whether it took effect is not known.',
    cure: 'Check the effect before repeating the statement.',
  },
  session_state_lost: {
    sqlstate: '08006',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1011,
    prismaCode: 'P1017',
    safeToRetry: false,
    meaning:
      'The server connection broke between statements and took session state with it (temporary tables, cursors, locks).',
    cure: 'Connect again and set the state up anew.',
  },
  idle_timeout: {
    sqlstate: '57P05',
    severity: 'FATAL',
    httpStatus: 400,
    closeCode: 1001,
    prismaCode: 'P1017',
    safeToRetry: true,
    meaning: 'The session was idle for longer than allowed.',
    cure: 'Connect again; use a pool that replaces closed connections.',
  },
};
