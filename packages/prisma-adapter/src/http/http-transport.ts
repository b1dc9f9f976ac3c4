// Everything over `POST /sql`: one request for each statement, scripts as batches, transactions by the gateway's tokens.

import type { PrismaIsolationLevel } from '@postern/prisma-mapping';
import { postern } from '@postern/serverless';
import { splitStatements } from '../split-statements.ts';
import { rawTypes, type StatementResult, type Transport } from '../transport.ts';
import { beginHttpTransaction } from './http-transaction.ts';
import { type HttpSql, runOne, severalStatements } from './run-statement.ts';

export interface HttpTransportOptions {
  readonly connectionString: string;
  readonly transactionTimeoutMs: number;
}

export function createHttpTransport({ connectionString, transactionTimeoutMs }: HttpTransportOptions): Transport {
  const sql: HttpSql = postern(connectionString, { arrayMode: true, fullResults: true, types: rawTypes });

  async function runAll(texts: readonly string[]): Promise<StatementResult> {
    const results = (await sql.transaction(texts.map((text) => sql.query(text)))) as unknown as StatementResult[];
    return { ...(results.at(-1) ?? noResult), rowCount: null };
  }

  return {
    run(statement) {
      const several = severalStatements(statement);
      return several ? runAll(several) : runOne(sql, statement);
    },
    async script(text) {
      const statements = splitStatements(text);
      // Alone it may be one that does not work in a transaction, such as CREATE DATABASE.
      if (statements.length === 1) await sql.query(statements[0] ?? '');
      else if (statements.length > 1) await runAll(statements);
    },
    begin: async (level: PrismaIsolationLevel | undefined) =>
      beginHttpTransaction({ sql, level, timeoutMs: transactionTimeoutMs }),
    async close() {},
  };
}

const noResult: StatementResult = { fields: [], rows: [], rowCount: null };
