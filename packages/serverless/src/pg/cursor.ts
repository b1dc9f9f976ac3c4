/** A portal read in portions: the server holds the rest. */
import type { Connection } from '../ws/connection.ts';
import { createAsyncQueue } from './async-queue.ts';
import type { Client } from './client.ts';
import type { QueryConfig, Submittable } from './query.ts';
import { Result } from './result.ts';

const defaultBatchSize = 256;
const portal = 'postern';

export async function* openCursor<Row>(
  client: Client,
  { text, values, binary, rowMode, types }: QueryConfig,
  batchSize: number = defaultBatchSize,
): AsyncGenerator<Row> {
  const rows = createAsyncQueue<Row | 'suspended'>();
  const result = new Result<Row>(rowMode, types);
  let connection: Connection | undefined;
  let state = 'waiting' as 'waiting' | 'running' | 'suspended' | 'done';

  function fetch(on: Connection): void {
    state = 'running';
    on.execute({ portal, rows: batchSize });
    on.flush();
  }

  function finish(on: Connection): void {
    state = 'done';
    on.close({ type: 'P', name: portal });
    on.sync();
  }

  const submittable: Submittable = {
    submit: (on) =>
      on.attempt(() => {
        on.parse({ text });
        on.bind({ portal, values, binary });
        on.describe({ type: 'P', name: portal });
        connection = on;
        fetch(on);
      }),
    handleRowDescription: ({ fields }) => result.addFields(fields),
    handleDataRow({ fields }) {
      try {
        rows.push(result.parseRow(fields));
      } catch (error) {
        rows.end(error as Error);
      }
    },
    handlePortalSuspended() {
      state = 'suspended';
      rows.push('suspended');
    },
    handleCommandComplete: (_, on) => finish(on),
    handleEmptyQuery: finish,
    handleReadyForQuery: () => rows.end(),
    handleError(error, on) {
      // Before anything was sent there is nothing to synchronise.
      if (state === 'running') on.sync();
      state = 'done';
      rows.end(error);
    },
  };

  client.submit(submittable, true);
  try {
    for await (const row of rows) {
      if (row !== 'suspended') yield row;
      else if (connection) fetch(connection);
    }
  } finally {
    // Left early. What is running is at most one portion; what has not begun is taken back.
    if (state === 'suspended' && connection) finish(connection);
    else if (state === 'running') {
      submittable.handlePortalSuspended = finish;
      submittable.handleDataRow = () => {};
    } else if (state === 'waiting') client.cancel(client, submittable);
  }
}
