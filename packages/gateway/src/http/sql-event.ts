// What the log gets to know of a `/sql` request. Neither SQL nor parameters nor credentials; of an error of Postgres
// only its code, because its text may quote a value.

import { GatewayError, type SqlRequestBody, type TransactionState } from '@postern/contract';
import { knownError } from './error-reply.ts';
import type { SqlHeading } from './sql-heading.ts';

export interface SqlEvent {
  readonly event: 'http_sql';
  /** The Neon-Request-Id of the response. */
  readonly requestId: string;
  readonly status: number;
  /** SQLSTATE of the error, if it was one. */
  readonly sqlstate?: string;
  /** The gateway's own name of the error, if it was the gateway's. */
  readonly code?: string;
  readonly message?: string;
  /** For operators only. */
  readonly detail?: string;
  readonly host?: string;
  readonly user?: string;
  readonly database?: string;
  readonly remoteAddress?: string;
  readonly statements: number;
  /** Of the interactive transaction the request took part in, as it left it. */
  readonly transaction?: TransactionState;
  readonly responseBytes: number;
  readonly durationMs: number;
}

export interface SqlEventSource {
  readonly requestId: string;
  readonly status: number;
  readonly error: unknown;
  readonly heading: SqlHeading | undefined;
  readonly body: SqlRequestBody | undefined;
  readonly remoteAddress: string | undefined;
  readonly transaction: TransactionState | undefined;
  readonly responseBytes: number;
  readonly durationMs: number;
}

export function toSqlEvent(source: SqlEventSource): SqlEvent {
  const { requestId, status, heading, body, remoteAddress, transaction, responseBytes, durationMs } = source;
  return {
    event: 'http_sql',
    requestId,
    status,
    ...(source.error === undefined ? {} : errorPart(source.error)),
    ...(heading === undefined
      ? {}
      : { host: heading.target.host, user: heading.target.user, database: heading.target.database }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    statements: body === undefined ? 0 : body.kind === 'single' ? 1 : body.statements.length,
    ...(transaction === undefined ? {} : { transaction }),
    responseBytes,
    durationMs,
  };
}

function errorPart(thrown: unknown): Pick<SqlEvent, 'sqlstate' | 'code' | 'message' | 'detail'> {
  const error = knownError(thrown);
  if (!(error instanceof GatewayError)) return { sqlstate: error.code };
  const { sqlstate, code, message, detail } = error;
  return { sqlstate, code, message, ...(detail === undefined ? {} : { detail }) };
}
