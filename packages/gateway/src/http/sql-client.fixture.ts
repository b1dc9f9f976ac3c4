// For tests: calls a SqlHandler the way a mount does.

import type { SqlBatchResult, SqlErrorBody, SqlResult } from '@postern/contract';
import type { SqlHandler, SqlHttpReply } from './sql-handler.ts';

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

export const rawArrays = { 'neon-raw-text-output': 'true', 'neon-array-mode': 'true' } as const;

export async function callSql(handler: SqlHandler, request: TestRequest = {}): Promise<TestReply> {
  const { url = 'postgres://u:p@h/d', headers = rawArrays, body = { query: 'select 1' }, signal } = request;
  const bytes =
    body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
  const all: Record<string, string> = { 'neon-connection-string': url, ...headers };
  const reply = await handler({
    header: (name) => all[name],
    readBody: async () => bytes,
    get isAborted() {
      return signal?.aborted === true;
    },
    onAbort: (listener) => signal?.addEventListener('abort', listener, { once: true }),
    remoteAddress: undefined,
  });
  const text = new TextDecoder('utf-8', { fatal: true }).decode(reply.body);
  return { status: reply.status, headers: reply.headers, text, json: JSON.parse(text) };
}
