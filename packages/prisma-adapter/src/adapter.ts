// Prisma's adapter over a transport: arguments, results, errors, and what COMMIT means.

import {
  DriverAdapterError,
  encodeArgument,
  isIsolationLevel,
  type PrismaIsolationLevel,
} from '@postern/prisma-mapping';
import type {
  ConnectionInfo,
  IsolationLevel,
  SqlDriverAdapter,
  SqlQuery,
  SqlResultSet,
  Transaction,
} from './driver-adapter.ts';
import { type ErrorContext, toDriverAdapterError } from './driver-error.ts';
import { resultSet } from './result-set.ts';
import type { Statement, StatementResult, TransactionEnd, Transport, TransportTransaction } from './transport.ts';

export const adapterName = '@postern/prisma-adapter';

export interface AdapterOptions {
  readonly transport: Transport;
  readonly info: ConnectionInfo;
  readonly errors: ErrorContext;
  /** Once, after the transport is closed. */
  readonly onDisposed?: (() => Promise<void>) | undefined;
}

type Run = (statement: Statement) => Promise<StatementResult>;

export function createAdapter({ transport, info, errors, onDisposed }: AdapterOptions): SqlDriverAdapter {
  let disposed: Promise<void> | undefined;
  const mapped = mapErrors(errors);

  async function dispose(): Promise<void> {
    await mapped(() => transport.close());
    await onDisposed?.();
  }

  return {
    ...queryable((statement) => transport.run(statement), errors),
    executeScript: (script) => mapped(() => transport.script(script)),
    async startTransaction(level) {
      const known = readIsolationLevel(level);
      return createTransaction(await mapped(() => transport.begin(known)), errors);
    },
    getConnectionInfo: () => info,
    dispose() {
      disposed ??= dispose();
      return disposed;
    },
  };
}

function readIsolationLevel(level: IsolationLevel | undefined): PrismaIsolationLevel | undefined {
  if (level === undefined || isIsolationLevel(level)) return level;
  throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level });
}

/**
 * Prisma itself sends COMMIT and ROLLBACK (`usePhantomQuery: false`, so that they are in its logs and traces) and then calls
 * commit() or rollback(), which have nothing left to do.
 */
function createTransaction(transaction: TransportTransaction, errors: ErrorContext): Transaction {
  let state: 'open' | 'over' = 'open';
  const mapped = mapErrors(errors);

  const run: Run = async (statement) => {
    const end = endOf(statement.text);
    if (end !== undefined) {
      // Also of what is over: a program may have ended it by a raw query, and Postgres would only warn.
      await finish(end);
      return { fields: [], rows: [], rowCount: null };
    }
    if (state === 'over') {
      throw new DriverAdapterError({ kind: 'TransactionAlreadyClosed', cause: 'the transaction is over' });
    }
    return transaction.run(statement);
  };

  async function finish(how: TransactionEnd): Promise<void> {
    if (state === 'over') return;
    state = 'over';
    await transaction.end(how);
  }

  const command = async (sql: string): Promise<void> => {
    await mapped(() => run({ text: sql, values: [] }));
  };

  return {
    ...queryable(run, errors),
    options: { usePhantomQuery: false },
    commit: () => mapped(() => finish('commit')),
    rollback: () => mapped(() => finish('rollback')),
    createSavepoint: (name) => command(`SAVEPOINT ${name}`),
    rollbackToSavepoint: (name) => command(`ROLLBACK TO SAVEPOINT ${name}`),
    releaseSavepoint: (name) => command(`RELEASE SAVEPOINT ${name}`),
  };
}

function endOf(sql: string): TransactionEnd | undefined {
  if (sql === 'COMMIT') return 'commit';
  return sql === 'ROLLBACK' ? 'rollback' : undefined;
}

function queryable(
  run: Run,
  errors: ErrorContext,
): Pick<Transaction, 'provider' | 'adapterName' | 'queryRaw' | 'executeRaw'> {
  const mapped = mapErrors(errors);
  return {
    provider: 'postgres',
    adapterName,
    queryRaw: (query) => mapped(async (): Promise<SqlResultSet> => resultSet(await run(encode(query)))),
    executeRaw: (query) => mapped(async () => (await run(encode(query))).rowCount ?? 0),
  };
}

function encode({ sql, args, argTypes }: SqlQuery): Statement {
  return { text: sql, values: args.map((value, index) => encodeArgument(value, argTypes[index])) };
}

function mapErrors(errors: ErrorContext): <Result>(work: () => Promise<Result>) => Promise<Result> {
  return async (work) => {
    try {
      return await work();
    } catch (failure) {
      throw toDriverAdapterError(failure, errors);
    }
  };
}
