// Errors of the HTTP frontend outside the `/sql` handler: unknown paths, wrong methods, defects.

import { errorReply } from './error-reply.ts';
import { responseHeaders } from './response-headers.ts';

/** The same 17 keys and headers as errors of `/sql`, so that drivers pointed at a wrong path show the reason. */
export function jsonError(thrown: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, body } = errorReply(thrown);
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...responseHeaders(crypto.randomUUID()), ...headers },
  });
}
