// Prisma's driver adapter interface as far as Postgres needs it (reference: @prisma/driver-adapter-utils 6.16 to 7.10, which
// this equals structurally). Written down here so that nothing of Prisma is a dependency.

import type { ArgumentType, ColumnType, ResultValue } from '@postern/prisma-mapping';

export interface SqlQuery {
  sql: string;
  args: unknown[];
  argTypes: ArgumentType[];
}

export interface SqlResultSet {
  columnNames: string[];
  columnTypes: ColumnType[];
  rows: ResultValue[][];
}

export interface ConnectionInfo {
  schemaName?: string;
  maxBindValues?: number;
  supportsRelationJoins: boolean;
}

export type IsolationLevel = 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SNAPSHOT' | 'SERIALIZABLE';

interface Queryable {
  readonly provider: 'postgres';
  readonly adapterName: string;
  queryRaw(query: SqlQuery): Promise<SqlResultSet>;
  /** How many rows were affected. */
  executeRaw(query: SqlQuery): Promise<number>;
}

export interface Transaction extends Queryable {
  readonly options: { usePhantomQuery: boolean };
  commit(): Promise<void>;
  rollback(): Promise<void>;
  createSavepoint(name: string): Promise<void>;
  rollbackToSavepoint(name: string): Promise<void>;
  releaseSavepoint(name: string): Promise<void>;
}

export interface SqlDriverAdapter extends Queryable {
  /** Several statements separated by semicolons. */
  executeScript(script: string): Promise<void>;
  startTransaction(isolationLevel?: IsolationLevel): Promise<Transaction>;
  getConnectionInfo(): ConnectionInfo;
  dispose(): Promise<void>;
}

export interface SqlMigrationAwareDriverAdapterFactory {
  readonly provider: 'postgres';
  readonly adapterName: string;
  connect(): Promise<SqlDriverAdapter>;
  /** A new, empty database, dropped by `dispose()`. */
  connectToShadowDb(): Promise<SqlDriverAdapter>;
}
