// What Postern adds to `POST /sql` beyond Neon's wire: streamed rows, interactive transactions, cached results. A driver
// knows that they are there by `Postern-Version` on any response; against Neon's own wire it is absent.

import { GatewayError } from './gateway-error.ts';

// What the driver sends, each a constant of its own: of a table, bundlers would keep the rest as well.
export const streamHeader = 'postern-stream';
export const transactionHeader = 'postern-transaction';
export const transactionEndHeader = 'postern-transaction-end';
export const transactionTimeoutHeader = 'postern-transaction-timeout';
export const cacheTagsHeader = 'postern-cache-tags';

/** Header names, lower case. */
export interface PosternHeaders {
  /** On every response: the version of these additions, `1`. */
  readonly version: string;
  /** Request: `true` = the rows of the one statement as they come, see row-stream.ts. */
  readonly stream: string;
  /**
   * Request: `begin`, or the token of an open transaction. Response: the token, present exactly when the transaction is
   * still there behind this response, errors included.
   */
  readonly transaction: string;
  /** Request: `commit` or `rollback` behind what the request runs. */
  readonly transactionEnd: string;
  /** Request, with `begin` only: milliseconds the whole transaction may take. */
  readonly transactionTimeout: string;
  /** Response to every request of a transaction that reached it: `open`, `failed` (only a rollback can follow) or `over`. */
  readonly transactionState: string;
  /** Request: names under which the result is cached, `a,b`; how long is said by `Cache-Control`. */
  readonly cacheTags: string;
  /** Request: `a,b`, or `all`: forgets results with such a name, if the statement succeeds. */
  readonly cacheInvalidate: string;
  /** Response to a request that asked something of the cache: `ttl`, `swr`, `miss` or `none`. */
  readonly cache: string;
}

export const posternHeader: PosternHeaders = {
  version: 'postern-version',
  stream: streamHeader,
  transaction: transactionHeader,
  transactionEnd: transactionEndHeader,
  transactionTimeout: transactionTimeoutHeader,
  transactionState: 'postern-transaction-state',
  cacheTags: cacheTagsHeader,
  cacheInvalidate: 'postern-cache-invalidate',
  cache: 'postern-cache',
};

/** The value of `Postern-Version`. */
export const posternVersion = '1';

export type TransactionState = 'open' | 'failed' | 'over';

/** How a request takes part in an interactive transaction. */
export type TransactionRequest =
  | { readonly kind: 'begin'; readonly end: TransactionEnd | undefined; readonly timeoutMs: number | undefined }
  | { readonly kind: 'continue'; readonly end: TransactionEnd | undefined; readonly token: string };

export type TransactionEnd = 'commit' | 'rollback';

/** What the additional headers ask for. */
export interface SqlExtensions {
  readonly isStream: boolean;
  readonly transaction: TransactionRequest | undefined;
}

/** Bytes of randomness in a token; in base64url 43 characters. */
export const transactionTokenBytes = 32;
const tokenForm = /^[\w-]{43}$/;
const noExtensions: SqlExtensions = { isStream: false, transaction: undefined };

/** Reads the headers through `header` (lower-case names). Throws a GatewayError (`invalid_header`) for what makes no sense. */
export function parseSqlExtensions(header: (name: string) => string | undefined): SqlExtensions {
  const stream = header(posternHeader.stream);
  const transaction = header(posternHeader.transaction);
  const end = header(posternHeader.transactionEnd);
  const timeout = header(posternHeader.transactionTimeout);
  if (stream === undefined && transaction === undefined && end === undefined && timeout === undefined) {
    return noExtensions;
  }
  return { isStream: stream === 'true', transaction: readTransaction(transaction, end, timeout) };
}

function readTransaction(
  transaction: string | undefined,
  end: string | undefined,
  timeout: string | undefined,
): TransactionRequest | undefined {
  if (end !== undefined && end !== 'commit' && end !== 'rollback') {
    throw invalid('Postern-Transaction-End', 'It must be "commit" or "rollback".');
  }
  if (transaction === undefined) {
    if (end !== undefined) throw invalid('Postern-Transaction-End', 'It needs the header Postern-Transaction.');
    if (timeout !== undefined) throw invalid('Postern-Transaction-Timeout', 'It needs "Postern-Transaction: begin".');
    return undefined;
  }
  if (transaction === 'begin') return { kind: 'begin', end, timeoutMs: readTimeout(timeout) };
  if (timeout !== undefined) throw invalid('Postern-Transaction-Timeout', 'It needs "Postern-Transaction: begin".');
  if (!tokenForm.test(transaction)) {
    throw invalid('Postern-Transaction', 'It must be "begin", or the token from the response to "begin".');
  }
  return { kind: 'continue', end, token: transaction };
}

function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw invalid('Postern-Transaction-Timeout', 'It must be a whole number of milliseconds, at least 1.');
  }
  return Number(text);
}

/** The value is not repeated: it may be a token. */
function invalid(name: string, hint: string): GatewayError {
  return new GatewayError('invalid_header', `invalid header: ${name.toLowerCase()}`, { hint });
}
