/** `/sql` among several workers: a request in an interactive transaction is answered by the worker that has it. */
import { posternHeader, sqlHeader, sqlPath } from '@postern/contract';
import type { CheckCaller } from '../http/caller-check.ts';
import { errorReply } from '../http/error-reply.ts';
import { responseHeaders } from '../http/response-headers.ts';
import type { SqlHandler, SqlHttpReply, SqlHttpRequest } from '../http/sql-handler.ts';
import type { ForwardRequest } from './forward-request.ts';
import { workerOfToken } from './worker-tokens.ts';

export interface RoutedSqlOptions {
  readonly handler: SqlHandler;
  readonly worker: number;
  readonly workers: number;
  readonly forward: ForwardRequest;
  /** The owner asks again; but what strangers send is not gathered for it. */
  readonly checkCaller: CheckCaller;
  readonly maxRequestBytes?: number | undefined;
}

const defaultMaxBytes = 10_485_760;
/** What the route looks at; the rest stays here. */
const forwardedHeaders = [
  ...Object.values(sqlHeader),
  ...Object.values(posternHeader),
  'content-type',
  'cache-control',
];

export function createRoutedSqlHandler(options: RoutedSqlOptions): SqlHandler {
  const { handler, worker, workers } = options;
  return (request, respond) => {
    const token = request.header(posternHeader.transaction);
    const owner = token === undefined || token === 'begin' ? worker : workerOfToken(token);
    if (owner === worker || owner < 1 || owner > workers) handler(request, respond);
    else void forwardSql(owner, request, options).then(respond);
  };
}

async function forwardSql(
  owner: number,
  request: SqlHttpRequest,
  { forward, checkCaller, maxRequestBytes = defaultMaxBytes }: RoutedSqlOptions,
): Promise<SqlHttpReply> {
  try {
    await checkCaller(request);
    const headers: Record<string, string> = {};
    for (const name of forwardedHeaders) {
      const value = request.header(name);
      if (value !== undefined) headers[name] = value;
    }
    return await forward(owner, {
      method: 'POST',
      path: sqlPath,
      headers,
      body: await request.readBody(maxRequestBytes),
      remoteAddress: request.remoteAddress,
      onAbort: (listener) => request.onAbort(listener),
    });
  } catch (error) {
    const { status, body } = errorReply(error);
    const headers = responseHeaders(crypto.randomUUID());
    return { status, headers, body: new TextEncoder().encode(JSON.stringify(body)) };
  }
}
