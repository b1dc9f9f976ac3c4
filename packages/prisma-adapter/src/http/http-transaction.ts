// A transaction over HTTP as an object. The driver has it as a function that is over when the transaction is
// (`sql.begin(work)`); Prisma wants a thing with methods, so `work` here waits to be told the end.

import type { PrismaIsolationLevel } from '@postern/prisma-mapping';
import { PosternError, type TransactionFunction } from '@postern/serverless';
import type { Statement, StatementResult, TransactionEnd, TransportTransaction } from '../transport.ts';
import { type HttpSql, runOne, severalStatements } from './run-statement.ts';

export interface HttpTransactionOptions {
  readonly sql: HttpSql;
  readonly level: PrismaIsolationLevel | undefined;
  /** After which the gateway rolls back by itself. */
  readonly timeoutMs: number;
}

/** The driver's names for the levels. */
const levelNames = {
  'READ UNCOMMITTED': 'ReadUncommitted',
  'READ COMMITTED': 'ReadCommitted',
  'REPEATABLE READ': 'RepeatableRead',
  SERIALIZABLE: 'Serializable',
} as const satisfies Record<PrismaIsolationLevel, string>;

/** Makes the driver roll back. */
const rollback: unique symbol = Symbol('rollback');

/** Sends nothing: BEGIN goes with the first statement. */
export function beginHttpTransaction({ sql, level, timeoutMs }: HttpTransactionOptions): TransportTransaction {
  let tx: TransactionFunction<true, true> | undefined;
  let finish: (how: TransactionEnd) => void = () => {};
  const told = new Promise<TransactionEnd>((resolve) => {
    finish = resolve;
  });
  // The driver calls `work` before begin() returns.
  const over = sql.begin(
    async (given) => {
      tx = given;
      if ((await told) === 'rollback') throw rollback;
    },
    { isolationLevel: level && levelNames[level], timeoutMs },
  );
  over.catch(() => {}); // looked at in end()

  async function runIn(statement: Statement): Promise<StatementResult> {
    try {
      if (tx !== undefined) return await runOne(tx, statement);
    } catch (error) {
      // Values are texts: there is one thing only that the driver can find wrong with the call.
      if (!(error instanceof PosternError && error.kind === 'usage' && error.code === undefined)) throw error;
    }
    throw new PosternError('the transaction is over', { code: '25P01' });
  }

  return {
    async run(statement) {
      const several = severalStatements(statement);
      if (several === undefined) return runIn(statement);
      let last: StatementResult | undefined;
      for (const text of several) last = await runIn({ text, values: [] });
      return { fields: [], rows: [], ...last, rowCount: null };
    },
    async end(how) {
      finish(how);
      await over.catch((error: unknown) => {
        if (error === rollback) return;
        if (!(error instanceof PosternError && error.code === '25P02')) throw error;
        const { sourceError } = error; // of the last statement; absent where Postgres itself rolled back
        if (sourceError !== undefined && !isOfStatement(sourceError)) throw sourceError;
      });
    },
  };
}

/**
 * Postgres refused a statement and its session went on. Not so after 57P01 to 57P05 and time limits for transactions, nor
 * when the gateway has lost it; severities are no help, since Postgres translates them.
 */
function isOfStatement(error: Error): boolean {
  return error instanceof PosternError && Boolean(error.routine) && !/^(57P0|25P0[34])/.test(`${error.code}`);
}
