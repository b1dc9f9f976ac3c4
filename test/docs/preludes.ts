/** What a block may take for granted because the text above it has introduced it: `with=NAME` in its fence. */
export const preludes: Readonly<Record<string, string>> = {
  sql: `
    import { postern } from '@postern/serverless';
    const sql = postern(process.env.DATABASE_URL!);
  `,
  neonConfig: `
    import { neonConfig } from '@neondatabase/serverless';
  `,
  prisma: `
    import { PrismaPostern } from '@postern/prisma-adapter';
    import { PrismaClient } from './generated/client';
    const prisma = new PrismaClient({ adapter: new PrismaPostern({ connectionString: process.env.DATABASE_URL! }) });
  `,
  // Somebody notifies, again and again: a block that listens for ever ends with the first line it prints.
  jobs: `
    import { postern as posternOfJobs } from '@postern/serverless';
    setInterval(async () => void (await posternOfJobs(process.env.DATABASE_URL!)\`SELECT pg_notify('jobs', 'seven')\`), 100);
    const printLine = console.log;
    console.log = (line) => { printLine(line); process.exit(0); };
  `,
  socket: `
    import { BackendCode, concatBytes, createMessageReader, databaseErrorFrom, decodeDataRow, encodeBind, encodeExecute, encodeParse, encodeSync } from '@postern/wire';
    const socket = { onData: (_: Uint8Array) => {}, write: (_: Uint8Array) => {} };
    const use = (_: unknown) => {};
  `,
};
