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
  config: QueryConfig,
  batchSize: number = defaultBatchSize,
): AsyncGenerator<Row> {
  const rows = createAsyncQueue<Row | 'suspended'>();
  const result = new Result<Row>(config.rowMode, config.types);
  let connection: Connection | undefined;
  let state = 'waiting' as 'waiting' | 'running' | 'suspended' | 'done';

  const submittable: Submittable = {
    submit(on) {
      connection = on;
      state = 'running';
      try {
        on.parse({ text: config.text });
        on.bind({ portal, values: config.values, binary: config.binary });
      } catch (error) {
        on.takeWrites();
        return error;
      }
      on.describe({ type: 'P', name: portal });
      on.execute({ portal, rows: batchSize });
      on.flush();
      return null;
    },
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
    handleEmptyQuery: (on) => finish(on),
    handleReadyForQuery: () => rows.end(),
    handleError(error, on) {
      // Before anything was sent there is nothing to synchronise.
      if (state === 'running') on?.sync();
      state = 'done';
      rows.end(error);
    },
  };

  function finish(on: Connection): void {
    state = 'done';
    on.close({ type: 'P', name: portal });
    on.sync();
  }

  client.submit(submittable, true);
  try {
    for (let row = await rows.next(); row !== undefined; row = await rows.next()) {
      if (row !== 'suspended') yield row;
      else if (connection) {
        state = 'running';
        connection.execute({ portal, rows: batchSize });
        connection.flush();
      }
    }
  } finally {
    // Left early. What is running is at most one portion; what has not begun is taken back.
    if (state === 'suspended' && connection) finish(connection);
    else if (state === 'running' && connection) {
      submittable.handlePortalSuspended = finish;
      submittable.handleDataRow = () => {};
    } else if (state === 'waiting') client.cancel(client, submittable);
  }
}
