// COPY between caller and Postgres needs a conversation, so it is refused before it is sent: once it runs, what is sent
// with it may be committed before its answer tells.

import type { SqlRequestBody } from '@postern/contract';
import { GatewayError } from '@postern/contract';
import { withoutLeadingSpace } from '../leading-space.ts';

export function copyUnsupported(): GatewayError {
  return new GatewayError('unsupported_over_http', 'COPY and replication are not supported over HTTP');
}

/** Index of the first statement that is such a COPY, 0 of a single one; undefined: none is, as far as their words tell. */
export function findCopy(body: SqlRequestBody): number | undefined {
  if (body.kind === 'single') return isCopy(body.statement.query) ? 0 : undefined;
  const index = body.statements.findIndex(({ query }) => isCopy(query));
  return index < 0 ? undefined : index;
}

/** Postgres takes STDIN and STDOUT for one another. COPY of files on its machine is no conversation. */
function isCopy(sql: string): boolean {
  if (!mayBecomeCopy(sql.charCodeAt(0))) return false;
  const text = withoutLeadingSpace(sql);
  return firstWord.test(text) && callersEnd.test(text);
}

const firstWord = /^copy\b/i;
const callersEnd = /\b(?:from|to)\s+std(?:in|out)\b/i;

/** A letter c, or what may stand before it: so that nothing is looked for in nearly all texts. */
function mayBecomeCopy(code: number): boolean {
  return code === 0x63 || code === 0x43 || code <= 0x20 || code === 0x2d || code === 0x2f || code > 0x7f;
}
