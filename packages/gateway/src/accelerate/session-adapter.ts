/** Prisma's driver adapter on sessions played from the inside: what the runtime runs plans on. */
import { errorCatalogue } from '@postern/contract';
import {
  beginStatement,
  columnTypeOf,
  DriverAdapterError,
  databaseCause,
  encodeArgument,
  isIsolationLevel,
  type PrismaRuntimeLevel,
  typeName,
} from '@postern/prisma-mapping';
import { DatabaseError } from '@postern/wire';
import type {
  ColumnType,
  IsolationLevel,
  SqlDriverAdapter,
  SqlQuery,
  SqlResultSet,
  Transaction,
} from '@prisma/driver-adapter-utils';
import { AccelerateError } from './accelerate-error.ts';
import type { SqlResult, SqlSession } from './sql-session.ts';

export interface SessionAdapterOptions {
  readonly openSession: () => SqlSession;
  /** Wording of errors. */
  readonly level: PrismaRuntimeLevel;
  /**
   * `awaited`: a transaction has begun when `startTransaction` resolves, so that waiting for a connection counts as
   * waiting for the start. `joined`: BEGIN travels with the first statement, one round trip less.
   */
  readonly begin: 'awaited' | 'joined';
  /** A transaction is over, whatever way. */
  readonly onTransactionClosed?: () => void;
}

const provider = 'postgres';
const adapterName = 'postern';

export function createSessionAdapter(options: SessionAdapterOptions): SqlDriverAdapter {
  const { openSession, level, begin, onTransactionClosed = () => {} } = options;
  let session: SqlSession | undefined;
  const run = (query: SqlQuery): Promise<SqlResult> => {
    session ??= openSession();
    return runQuery(session, query, level);
  };
  return {
    provider,
    adapterName,
    queryRaw: async (query) => toResultSet(await run(query)),
    executeRaw: async (query) => affectedRows(await run(query)),
    async executeScript(script) {
      await run({ sql: script, args: [], argTypes: [] });
    },
    async startTransaction(isolationLevel) {
      const statement = beginWith(isolationLevel);
      const own = openSession();
      if (begin === 'joined')
        return createTransaction(own, { level, before: statement, onClosed: onTransactionClosed });
      try {
        await runQuery(own, { sql: statement, args: [], argTypes: [] }, level);
      } catch (error) {
        own.close();
        throw error;
      }
      return createTransaction(own, { level, before: undefined, onClosed: onTransactionClosed });
    },
    async dispose() {
      session?.close();
    },
  };
}

interface TransactionOptions {
  readonly level: PrismaRuntimeLevel;
  /** What still has to be said before the first statement. */
  readonly before: string | undefined;
  readonly onClosed: () => void;
}

function createTransaction(session: SqlSession, { level, before, onClosed }: TransactionOptions): Transaction {
  let unsaid = before;
  let begun: Promise<unknown> | undefined;
  async function run(query: SqlQuery): Promise<SqlResult> {
    if (query.sql === 'ROLLBACK') {
      // Nobody waits for the answers of what is still running, and nothing was begun if nothing was said.
      if (session.pending > 0) session.abort(rolledBack());
      if (!session.isOpen || unsaid !== undefined) return noResult;
    }
    if (unsaid === undefined) {
      // Plans run some statements at once: none may overtake BEGIN, and run without a transaction if that fails.
      await begun;
      return runQuery(session, query, level);
    }
    const first = runQuery(session, query, level, unsaid);
    unsaid = undefined;
    begun = first.catch(() => {});
    return first;
  }
  const savepoint = async (sql: string): Promise<void> => {
    await run({ sql, args: [], argTypes: [] });
  };
  const close = async (): Promise<void> => {
    session.close();
    onClosed();
  };
  return {
    provider,
    adapterName,
    // The runtime sends COMMIT and ROLLBACK itself, so that they are logged as in-process.
    options: { usePhantomQuery: false },
    queryRaw: async (query) => toResultSet(await run(query)),
    executeRaw: async (query) => affectedRows(await run(query)),
    commit: close,
    rollback: close,
    createSavepoint: (name) => savepoint(`SAVEPOINT ${name}`),
    rollbackToSavepoint: (name) => savepoint(`ROLLBACK TO SAVEPOINT ${name}`),
    releaseSavepoint: (name) => savepoint(`RELEASE SAVEPOINT ${name}`),
  };
}

const noResult: SqlResult = { columns: [], rows: [], rowCount: 0, commands: 1 };

async function runQuery(
  session: SqlSession,
  { sql, args, argTypes }: SqlQuery,
  level: PrismaRuntimeLevel,
  before?: string,
): Promise<SqlResult> {
  try {
    const parameters = args.map((value, index) => encodeArgument(value, argTypes[index]));
    return await session.query(sql, parameters, before);
  } catch (error) {
    throw toPrismaError(error, level);
  }
}

/** An error of the database as Prisma takes it; what is wrong with the connection as Accelerate tells it. */
function toPrismaError(error: unknown, level: PrismaRuntimeLevel): unknown {
  if (!(error instanceof DatabaseError)) return error;
  return connectionError(error) ?? new DriverAdapterError(databaseCause(error, { runtime: level }));
}

/** Refusals at the door: by Postgres (FATAL, before any statement), or by the pool, whose errors name no source file. */
function connectionError(error: DatabaseError): AccelerateError | undefined {
  const { code, message, routine, file } = error;
  const isFatal = (error.severityNonLocalized ?? error.severity) === 'FATAL';
  const isOurs = routine === undefined && file === undefined;
  // The engine has no other error with this SQLSTATE; Postgres' own ("too many clients") names its source.
  if (isOurs && code === errorCatalogue.pool_timeout.sqlstate) {
    return new AccelerateError('P2024', `Timed out fetching a new connection from the connection pool: ${message}`);
  }
  if ((isOurs && /^(08001|57P03)$/.test(code)) || (isFatal && /^(28...|3D000|57P03|53300)$/.test(code))) {
    return new AccelerateError('P6008', `Cannot connect to the database: ${message}`, {
      meta: { sqlstate: code },
    });
  }
  return undefined;
}

function beginWith(level: IsolationLevel | undefined): string {
  if (level === undefined || isIsolationLevel(level)) return beginStatement(level);
  throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level });
}

function rolledBack(): AccelerateError {
  return new AccelerateError(
    'P2028',
    'Transaction API error: Transaction already closed: the transaction was rolled back while this query ran.',
  );
}

function toResultSet({ columns, rows }: SqlResult): SqlResultSet {
  return {
    columnNames: columns.map(({ name }) => name),
    columnTypes: columns.map(({ oid }): ColumnType => {
      const type = columnTypeOf(oid);
      if (type === undefined) throw new DriverAdapterError({ kind: 'UnsupportedNativeDataType', type: typeName(oid) });
      return type;
    }),
    // Prisma's type wants arrays that may be changed; these are nobody else's.
    rows: rows as unknown[][],
  };
}

/** Of several commands in one text no single number is the answer; node-postgres says 0 too. */
function affectedRows({ rowCount, commands }: SqlResult): number {
  return commands > 1 ? 0 : rowCount;
}
