/** `IsolationLevel` of @prisma/driver-adapter-utils, but for SNAPSHOT, which Postgres does not have. */
export type PrismaIsolationLevel = 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

const levels: ReadonlySet<string> = new Set<PrismaIsolationLevel>([
  'READ UNCOMMITTED',
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
]);

export function isIsolationLevel(level: unknown): level is PrismaIsolationLevel {
  return typeof level === 'string' && levels.has(level);
}

/** Level and BEGIN in one statement: one round trip where the official adapters need two. */
export function beginStatement(level?: PrismaIsolationLevel): string {
  return level === undefined ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${level}`;
}
