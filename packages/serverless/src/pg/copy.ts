/** COPY with an iterable on the program's side. */
import { bytesOf } from '../values/bytes.ts';
import type { Connection } from '../ws/connection.ts';
import { encodeText } from '../ws/packet.ts';
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

/** Sends what the source gives, as fast as the network takes it. An error of the source makes the COPY fail with it. */
async function send(connection: Connection, source: Source, isOver: () => boolean): Promise<void> {
  for await (const item of source) {
    const bytes = typeof item === 'string' ? encodeText(item) : (bytesOf(item) ?? encodeText(String(item)));
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      connection.sendCopyFromChunk(bytes.subarray(at, at + chunkBytes));
      connection.flushWrites();
      while (connection.output.bufferedBytes() > maxAheadBytes && !isOver()) {
        await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      }
    }
    if (isOver()) return;
  }
}

export function copyFrom(client: Client, text: string, source: Source): Promise<{ rowCount: number | null }> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    let failure: unknown;
    const query = new Query(text, undefined, (error: Error | null, result: Result) => {
      isOver = true;
      if (error) reject(failure ?? error);
      else resolve({ rowCount: result.rowCount });
    });
    const settled = query.handleError.bind(query);
    query.handleError = (error, connection) => {
      isOver = true;
      settled(error, connection);
    };
    query.handleCopyInResponse = (connection) => {
      send(connection, source, () => isOver).then(
        () => !isOver && connection.endCopyFrom(),
        (error: unknown) => {
          failure = error;
          connection.sendCopyFail('the source of the data failed');
        },
      );
    };
    client.submit(query, true);
  });
}

export async function* copyTo(client: Client, text: string): AsyncGenerator<Uint8Array> {
  const chunks = createAsyncQueue<Uint8Array>();
  let connection: Connection | undefined;
  let isOver = false;
  const query = new Query(text, undefined, (error: Error | null) => {
    isOver = true;
    chunks.end(error ?? undefined);
  });
  query.on('error', () => {});
  Object.assign(query, {
    handleCopyData({ chunk }: { chunk: Uint8Array }, on: Connection) {
      connection = on;
      chunks.push(chunk);
      if (chunks.length === maxWaitingChunks) on.output.pause();
    },
  });
  client.submit(query, true);
  try {
    for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
      if (chunks.length === 0) connection?.output.resume();
      yield chunk;
    }
  } finally {
    connection?.output.resume();
    if (!isOver) client.cancel(client, query);
  }
}
