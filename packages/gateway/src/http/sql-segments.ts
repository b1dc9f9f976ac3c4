// What is sent to Postgres for a request. Everything of a request is one segment (one Sync): one round trip, and an
// error anywhere makes Postgres skip the rest. Text format both ways, parameter types left to Postgres.

import { type BatchOptions, isolationLevels, type SqlRequestBody, type SqlStatement } from '@postern/contract';
import {
  concatBytes,
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '@postern/wire';

/** Bytes per chunk: what the engine should take in one go. */
const chunkBytes = 64 * 1024;

const describePortal = encodeDescribe('P', '');
const execute = encodeExecute();
const bindNothing = encodeBind();
const sync = encodeSync();

/** The frontend messages for a request, in chunks. */
export function encodeRequest(body: SqlRequestBody, batch: BatchOptions): Uint8Array[] {
  if (body.kind === 'single') return [concatBytes([...encodeStatement(body.statement), sync])];
  const messages = [
    ...encodeCommand(encodeBegin(batch)),
    ...body.statements.flatMap(encodeStatement),
    ...encodeCommand('COMMIT'),
    sync,
  ];
  return joinInChunks(messages);
}

/** Ends the transaction of a batch that failed. */
export function encodeRollback(): Uint8Array {
  return encodeQuery('ROLLBACK');
}

function encodeStatement(statement: SqlStatement): Uint8Array[] {
  return [encodeParse('', statement.query), encodeBind({ parameters: statement.params }), describePortal, execute];
}

function encodeCommand(sql: string): Uint8Array[] {
  return [encodeParse('', sql), bindNothing, execute];
}

/** False options add nothing, as at Neon; whether a combination means something is for Postgres to say. */
function encodeBegin({ isolationLevel, isReadOnly, isDeferrable }: BatchOptions): string {
  const modes = [
    isolationLevel === undefined ? '' : `ISOLATION LEVEL ${isolationLevels[isolationLevel]}`,
    isReadOnly ? 'READ ONLY' : '',
    isDeferrable ? 'DEFERRABLE' : '',
  ].filter((mode) => mode !== '');
  return modes.length === 0 ? 'BEGIN' : `BEGIN ${modes.join(', ')}`;
}

function joinInChunks(messages: readonly Uint8Array[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let start = 0;
  let bytes = 0;
  messages.forEach((message, index) => {
    bytes += message.length;
    if (bytes < chunkBytes && index < messages.length - 1) return;
    chunks.push(concatBytes(messages.slice(start, index + 1)));
    start = index + 1;
    bytes = 0;
  });
  return chunks;
}
