import type { TestProject } from 'vitest/node';
import { startPostgres } from './launcher.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The one cluster of this run, as its superuser: postgres://postgres:postgres@127.0.0.1:port/postgres */
    postgresUrl: string;
  }
}

/** One Postgres for the whole vitest run; each test file makes its own database in it (`createTestDatabase`). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres({ settings: { max_prepared_transactions: '10', max_connections: '300' } });
  project.provide('postgresUrl', postgres.url());
  // For the processes that tests start, and for environments without `inject`.
  process.env.POSTERN_TEST_PG_URL = postgres.url();
  return () => postgres.stop();
}
