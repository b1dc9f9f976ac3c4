import { PrismaPostern } from '@postern/prisma-adapter';
import { PrismaClient } from './generated/prisma/client.ts';

let client: PrismaClient | undefined;

/**
 * The one client of the program, made when it is first asked for: `next build` loads this file without a database.
 * Over HTTP nothing stays open between two queries, so that it serves all requests, also where functions come and go.
 */
export function database(): PrismaClient {
  client ??= new PrismaClient({ adapter: new PrismaPostern({ connectionString: process.env.DATABASE_URL ?? '' }) });
  return client;
}
