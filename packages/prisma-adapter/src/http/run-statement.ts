import type { NeonQueryFunction } from '@postern/serverless';
import { mayBeSeveral, splitStatements } from '../split-statements.ts';
import type { Statement, StatementResult } from '../transport.ts';

/** Rows as arrays of texts. */
export type HttpSql = NeonQueryFunction<true, true>;

/** One request. */
export async function runOne(sql: Pick<HttpSql, 'query'>, { text, values }: Statement): Promise<StatementResult> {
  return (await sql.query(text, values)) as unknown as StatementResult; // rawTypes: texts and nulls
}

/** The statements, where there is more than one: the protocol behind HTTP takes one at a time. */
export function severalStatements(statement: Statement): string[] | undefined {
  if (!mayBeSeveral(statement)) return undefined;
  const statements = splitStatements(statement.text);
  return statements.length > 1 ? statements : undefined;
}
