// Everything over WebSockets: the driver's pool of Postgres sessions. With Postern all of them share one WebSocket.

import { beginStatement, type PrismaIsolationLevel } from '@postern/prisma-mapping';
import { Pool, type PoolClient, type PoolConfig } from '@postern/serverless';
import { mayBeSeveral } from '../split-statements.ts';
import {
  rawTypes,
  type Statement,
  type StatementResult,
  type Transport,
  type TransportTransaction,
} from '../transport.ts';
import { LazyClient } from './lazy-client.ts';
import { runWithBegin } from './run-with-begin.ts';

export interface WsTransportOptions {
  readonly connectionString: string;
  readonly pool: Omit<PoolConfig, 'connectionString' | 'Client' | 'protocol'>;
  /** A session nobody uses was lost. */
  readonly onPoolError: ((error: Error) => void) | undefined;
  /** A session within a transaction was lost; its statements fail too. */
  readonly onConnectionError: ((error: Error) => void) | undefined;
}

export function createWsTransport(options: WsTransportOptions): Transport {
  const pool = new Pool({
    ...options.pool,
    connectionString: options.connectionString,
    Client: LazyClient,
    // Not found out by trying: that would keep the first statement from travelling with the log-in.
    protocol: 'postern',
  });
  pool.on('error', (error: Error) => options.onPoolError?.(error));
  let state: 'open' | 'closed' = 'open';

  return {
    run: (statement) => runOn(pool, statement),
    async script(text) {
      await pool.query(text);
    },
    async begin(level) {
      return beginWsTransaction(await pool.connect(), level, options.onConnectionError);
    },
    async close() {
      if (state === 'closed') return;
      state = 'closed';
      await pool.end();
    },
  };
}

interface Queryable {
  query(config: {
    text: string;
    values: readonly unknown[];
    rowMode: 'array';
    types: typeof rawTypes;
  }): Promise<unknown>;
}

/** Without values it goes as a simple query, which may hold several statements. */
async function runOn(queryable: Queryable, { text, values }: Statement): Promise<StatementResult> {
  const result = await queryable.query({ text, values, rowMode: 'array', types: rawTypes });
  // rawTypes: texts and nulls.
  if (Array.isArray(result)) return { ...(result.at(-1) as StatementResult), rowCount: null };
  return result as StatementResult;
}

function beginWsTransaction(
  client: PoolClient,
  level: PrismaIsolationLevel | undefined,
  onConnectionError: ((error: Error) => void) | undefined,
): TransportTransaction {
  /** Undefined until something was sent. */
  let begun: Promise<unknown> | undefined;
  let state: 'open' | 'over' = 'open';
  const onError = (error: Error): void => onConnectionError?.(error);
  client.on('error', onError);

  function release(error?: unknown): void {
    // One that is given up may tell why only now.
    if (error === undefined) client.off('error', onError);
    client.release(error !== undefined);
  }

  return {
    async run(statement) {
      if (begun === undefined && !mayBeSeveral(statement)) {
        const first = runWithBegin(client, beginStatement(level), statement);
        begun = first.begun;
        return first.result;
      }
      begun ??= client.query(beginStatement(level));
      // Without a transaction nothing may run.
      await begun;
      return runOn(client, statement);
    },
    async end(how) {
      if (state === 'over') return;
      state = 'over';
      if (begun === undefined) return release();
      try {
        // Behind the statements that wait for it, which would otherwise run when the transaction is over.
        await begun;
        await client.query(how === 'commit' ? 'COMMIT' : 'ROLLBACK');
      } catch (error) {
        release(error);
        if (how === 'commit') throw error;
        return; // not begun, or gone with its session: nothing to roll back
      }
      release();
    },
  };
}
