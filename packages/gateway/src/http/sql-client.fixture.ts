// For tests: calls a SqlHandler the way a mount does.

import type { SqlBatchResult, SqlErrorBody, SqlResult } from '@postern/contract';
import type { Clock } from '@postern/pool';
import { createFakeClock } from '@postern/testkit';
import { ownBody } from './lent-body.ts';
import type { AuthenticatedCaller } from './sql-backend.ts';
import {
  allHeaders,
  createSqlHandler,
  isWhole,
  type SqlHandler,
  type SqlHandlerOptions,
  type SqlHttpReply,
  type SqlHttpRequest,
} from './sql-handler.ts';
import { createSqlTransactions, type TransactionLimits } from './sql-transactions.ts';

export interface TestRequest {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface TestReply {
  readonly status: number;
  readonly headers: SqlHttpReply['headers'];
  readonly text: string;
  /** The body as JSON: one of these three, and the test knows which. */
  readonly json: SqlResult & SqlBatchResult & SqlErrorBody;
}

export type TestHandlerOptions<Caller extends AuthenticatedCaller> = Partial<SqlHandlerOptions<Caller>> &
  Pick<SqlHandlerOptions<Caller>, 'backend'> & { readonly transactionLimits?: Partial<TransactionLimits> };

/** Time stands still unless a clock is given. */
export function createTestSqlHandler<Caller extends AuthenticatedCaller>(
  options: TestHandlerOptions<Caller>,
): SqlHandler {
  const clock: Clock = options.clock ?? createFakeClock();
  const transactions = createSqlTransactions({
    clock,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    limits: options.transactionLimits,
  });
  return createSqlHandler({ clock, transactions, ...options });
}

export const rawArrays = { 'neon-raw-text-output': 'true', 'neon-array-mode': 'true' } as const;

export async function callSql(handler: SqlHandler, request: TestRequest = {}): Promise<TestReply> {
  const { url = 'postgres://u:p@h/d', headers = rawArrays, body = { query: 'select 1' }, signal } = request;
  const bytes =
    body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
  const all: Record<string, string> = { 'neon-connection-string': url, ...headers };
  const reply = await answer(handler, {
    header: (name) => all[name],
    readBody: async () => bytes,
    get isAborted() {
      return signal?.aborted === true;
    },
    onAbort: (listener) => signal?.addEventListener('abort', () => listener(), { once: true }),
    remoteAddress: undefined,
    security: 'loopback',
  });
  if (!isWhole(reply)) throw new Error('the response is streamed: use callStream');
  const text = new TextDecoder('utf-8', { fatal: true }).decode(reply.body);
  return { status: reply.status, headers: allHeaders(reply), text, json: JSON.parse(text) };
}

/** What the handler responds, in memory of its own. */
export function answer(handler: SqlHandler, request: SqlHttpRequest): Promise<SqlHttpReply> {
  return new Promise((resolve) => {
    handler(request, (reply) => {
      resolve(isWhole(reply) ? { ...reply, body: ownBody(reply), lender: undefined } : reply);
    });
  });
}
