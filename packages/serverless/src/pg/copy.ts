/** COPY with an iterable on the program's side. */
import { bytesOf } from '../values/bytes.ts';
import type { Connection } from '../ws/connection.ts';
import { concat, encodeText } from '../ws/packet.ts';
import { createAsyncQueue } from './async-queue.ts';
import type { Client } from './client.ts';
import { Query } from './query.ts';
import type { Result } from './result.ts';

/** Sent in pieces of this size, and not more than so many bytes ahead of the network. */
const chunkBytes = 65_536;
const maxAheadBytes = 1_048_576;
const lookAgainMs = 5;
/** Received pieces that wait for the loop. */
const maxWaitingChunks = 64;

type Source = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** Sends what the source gives, as fast as the network takes it. Small items travel together. */
async function send(connection: Connection, source: Source, query: Query): Promise<void> {
  const { passenger } = connection;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;

  async function flush(): Promise<void> {
    const bytes = concat(gathered);
    gathered = [];
    gatheredBytes = 0;
    for (let at = 0; at < bytes.length && !query.isOver; at += chunkBytes) {
      connection.sendCopyFromChunk(bytes.subarray(at, at + chunkBytes));
      connection.flushWrites();
      while (!query.isOver && (passenger.transport?.bufferedBytes() ?? 0) > maxAheadBytes) {
        await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      }
    }
  }

  for await (const item of source) {
    if (query.isOver) return;
    // A copy: whoever made it may use its memory again.
    const bytes = bytesOf(item)?.slice() ?? encodeText(String(item));
    gathered.push(bytes);
    gatheredBytes += bytes.length;
    if (gatheredBytes >= chunkBytes) await flush();
  }
  await flush();
  if (!query.isOver) connection.endCopyFrom();
}

/** An error of the source makes the COPY fail with it. */
export function copyFrom(client: Client, text: string, source: Source): Promise<{ rowCount: number | null }> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    const query = new Query(text, (error: Error | null, result: Result) => {
      if (error) reject(failure ?? error);
      else resolve({ rowCount: result.rowCount });
    });
    query.handleCopyInResponse = (connection) => {
      send(connection, source, query).catch((error: unknown) => {
        failure = error;
        // Else it would fail what runs now.
        if (!query.isOver) connection.sendCopyFail('abandoned');
      });
    };
    client.submit(query, true);
  });
}

export async function* copyTo(client: Client, text: string): AsyncGenerator<Uint8Array> {
  const chunks = createAsyncQueue<Uint8Array>();
  let connection: Connection | undefined;
  const query = new Query(text, (error: Error | null) => chunks.end(error ?? undefined));
  query.handleCopyData = ({ chunk }, on) => {
    connection = on;
    chunks.push(chunk);
    if (chunks.length === maxWaitingChunks) on.passenger.transport?.pause();
  };
  const resume = (): void => connection?.passenger.transport?.resume();
  client.submit(query, true);
  try {
    for await (const chunk of chunks) {
      if (chunks.length === 0) resume();
      yield chunk;
    }
  } finally {
    resume();
    if (!query.isOver) client.abandon(query);
  }
}
