// The seam between what Prisma wants (adapter.ts) and how it gets there (http/, ws/): statements of text in, texts out.
// Failures are the driver's PosternErrors, except where it is said.

import type { PrismaIsolationLevel } from '@postern/prisma-mapping';

export interface Statement {
  readonly text: string;
  /** Texts, or null. Without any, the text may hold several statements. */
  readonly values: readonly (string | null)[];
}

export interface StatementResult {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  /** Of several statements those of the last one. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** null for statements that count nothing, and for several. */
  readonly rowCount: number | null;
}

export type TransactionEnd = 'commit' | 'rollback';

export interface TransportTransaction {
  /** One after the other, however many are asked for at once. BEGIN travels with the first one. */
  run(statement: Statement): Promise<StatementResult>;
  /**
   * Ends it, whether or not the statement works. Sends nothing if nothing was run. COMMIT behind a failed statement rolls back
   * and is no error, as in Postgres.
   */
  end(how: TransactionEnd): Promise<void>;
}

export interface Transport {
  run(statement: Statement): Promise<StatementResult>;
  /** Several statements, all of them or none. */
  script(text: string): Promise<void>;
  begin(level: PrismaIsolationLevel | undefined): Promise<TransportTransaction>;
  close(): Promise<void>;
}

/** The texts as they came: what becomes of them, adapter.ts decides. */
export const rawTypes: { getTypeParser(): (text: string) => string } = { getTypeParser: () => (text) => text };
