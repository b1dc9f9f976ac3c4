// Headers of the route's responses, for browsers too (reference/neon-wire.md §1.12). Neon's list lacks
// Neon-Batch-Deferrable and Content-Type, so a browser could not send a deferrable batch or name its body JSON.

import { posternHeader, posternVersion, sqlHeader } from '@postern/contract';

const exposedHeaders =
  'Neon-Request-Id, Neon-Batch-Isolation-Level, Neon-Batch-Read-Only, Neon-Batch-Deferrable, ' +
  'Postern-Version, Postern-Transaction, Postern-Transaction-State, Postern-Cache, Age';

/** On every response to `/sql`, errors included, beside the id of the request. */
export const sqlResponseHeaders: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': exposedHeaders,
  [posternHeader.version]: posternVersion,
};

/** The same with an id. */
export function responseHeaders(requestId: string): Record<string, string> {
  return { ...sqlResponseHeaders, [sqlHeader.requestId]: requestId };
}

/** The answer to `OPTIONS /sql`. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  allow: 'OPTIONS, POST',
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Content-Type, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, Neon-Pool-Opt-In, ' +
    'Neon-Batch-Read-Only, Neon-Batch-Isolation-Level, Neon-Batch-Deferrable, ' +
    'Postern-Stream, Postern-Transaction, Postern-Transaction-End, Postern-Transaction-Timeout, ' +
    'Cache-Control, Postern-Cache-Tags, Postern-Cache-Invalidate',
  'access-control-max-age': '86400',
};
