/** A portal read in portions: the server holds the rest. */
import { createError } from '../postern-error.ts';
import type { Connection } from '../ws/connection.ts';
import { createAsyncQueue } from './async-queue.ts';
import type { Client } from './client.ts';
import { abortError, Query, type QueryConfig } from './query.ts';

const defaultBatchSize = 256;

export async function* openCursor<Row>(
  client: Client,
  config: string | QueryConfig,
  values: readonly unknown[] | undefined,
  batchSize: number = defaultBatchSize,
): AsyncGenerator<Row> {
  const rows = createAsyncQueue<Row | undefined>();
  const query = new Query(config, values);
  query.config = { ...query.config, rows: batchSize };
  const fetch = query.handlePortalSuspended;
  /** There are more rows, and the server waits. */
  let suspended: Connection | undefined;
  query.handlePortalSuspended = (connection) => {
    suspended = connection;
    rows.push(undefined);
  };
  const finish = (connection: Connection): void => {
    connection.close({ type: 'P' });
    query.leave(connection);
  };
  const { signal } = query.config;
  const abort = (): void => {
    client.abandon(query);
    suspended = undefined; // nothing more is asked for
    rows.end(abortError(signal as AbortSignal)); // it has one
  };
  signal?.addEventListener('abort', abort);
  query
    .on('row', (row) => rows.push(row as Row)) // what the caller says it selects
    .on('end', () => rows.end())
    .on('error', rows.end);
  if (signal?.aborted) abort();
  else client.submit(query, true);
  try {
    for await (const row of rows) {
      if (signal?.aborted) throw abortError(signal);
      if (row !== undefined) yield row;
      else if (suspended) {
        const connection = suspended;
        suspended = undefined;
        fetch.call(query, connection);
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    // Left early. What is running is at most one portion; what has not begun does not begin.
    if (suspended) finish(suspended);
    else {
      Object.assign(query, {
        submit: () => createError('usage', 'the query was aborted'),
        handleDataRow() {},
        handlePortalSuspended: finish,
      });
    }
  }
}
