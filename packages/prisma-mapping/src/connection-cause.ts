// Failures below SQL → Prisma's kinds. Node's and undici's codes; other runtimes give no codes, so there the caller
// says in what phase it failed.

import type { ErrorCause } from './error-cause.ts';

/** What was going on when the transport failed. */
export type ConnectionPhase = 'connecting' | 'running';

export interface ConnectionCauseOptions {
  /** Default `connecting`. */
  readonly phase?: ConnectionPhase | undefined;
  /** Shown in P1001. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

const unreachableCodes: ReadonlySet<string> = new Set(
  'ENOTFOUND EAI_AGAIN ECONNREFUSED EHOSTUNREACH ENETUNREACH EHOSTDOWN EADDRNOTAVAIL ENOENT'.split(' '),
);
const closedCodes: ReadonlySet<string> = new Set(
  'ECONNRESET EPIPE ECONNABORTED UND_ERR_SOCKET UND_ERR_CLOSED'.split(' '),
);
const timeoutCodes: ReadonlySet<string> = new Set(
  'ETIMEDOUT UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT'.split(' '),
);
/** OpenSSL's reasons as Node names them. */
const tlsCode =
  /^(ERR_(TLS|SSL)_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;

/**
 * What Prisma is to be told about a transport that failed: an Error of Node, of undici (`fetch failed`, with the reason in
 * its `cause`), of a WebSocket, or anything else thrown where bytes were expected.
 */
export function connectionCause(error: unknown, options: ConnectionCauseOptions = {}): ErrorCause {
  const { phase = 'connecting', host, port } = options;
  const message = messageOf(error);
  for (let at: unknown = error, depth = 0; isObject(at) && depth < 8; at = nextCause(at), depth++) {
    const code = typeof at.code === 'string' ? at.code : '';
    if (tlsCode.test(code)) return { kind: 'TlsConnectionError', reason: messageOf(at), originalMessage: message };
    if (timeoutCodes.has(code) || at.name === 'TimeoutError')
      return { kind: 'SocketTimeout', originalMessage: message };
    if (closedCodes.has(code)) return { kind: 'ConnectionClosed', originalMessage: message };
    if (unreachableCodes.has(code)) {
      return { kind: 'DatabaseNotReachable', host: host ?? textOf(at.hostname), port, originalMessage: message };
    }
  }
  if (phase === 'running') return { kind: 'ConnectionClosed', originalMessage: message };
  return { kind: 'DatabaseNotReachable', host, port, originalMessage: message };
}

/** What a status of HTTP means when there is no body to tell: 502 to 504 come from proxies in front of the gateway. */
export function httpStatusCause(status: number, options: ConnectionCauseOptions = {}): ErrorCause {
  const originalMessage = `the gateway answered with HTTP status ${status}`;
  switch (status) {
    case 401:
    case 403:
      return { kind: 'AuthenticationFailed', originalMessage };
    case 408:
    case 504:
      return { kind: 'SocketTimeout', originalMessage };
    case 429:
      return { kind: 'TooManyConnections', cause: originalMessage, originalMessage };
    default:
      return { kind: 'DatabaseNotReachable', host: options.host, port: options.port, originalMessage };
  }
}

type Fields = { readonly [name: string]: unknown };

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** The reason behind it; of several attempts (an AggregateError, one per address) the first. */
function nextCause(error: Fields): unknown {
  if (error.cause !== undefined) return error.cause;
  return Array.isArray(error.errors) ? error.errors[0] : undefined;
}

function messageOf(error: unknown): string {
  if (isObject(error) && typeof error.message === 'string' && error.message !== '') return error.message;
  return isObject(error) ? 'the connection failed' : String(error);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
