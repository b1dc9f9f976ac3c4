import { database } from './database.ts';
import { type Entry, Prisma } from './generated/prisma/client.ts';

/** As long as the columns. */
export const longestName = 60;
export const longestMessage = 500;

/** What the page shows: the newest entries, and how many there are and were. */
export interface GuestBook {
  readonly entries: readonly Entry[];
  readonly written: number;
  readonly removed: number;
}

/** Three queries that see the same moment. */
export async function readGuestBook(): Promise<GuestBook> {
  const prisma = database();
  const [entries, written, removed] = await prisma.$transaction(
    [prisma.entry.findMany({ orderBy: { id: 'desc' }, take: 50 }), prisma.entry.count(), prisma.removal.count()],
    { isolationLevel: 'RepeatableRead' },
  );
  return { entries, written, removed };
}

/** Returns whether it was written: both texts must be there, and fit. */
export async function addEntry(name: string, message: string): Promise<boolean> {
  if (!name || !message || name.length > longestName || message.length > longestMessage) return false;
  await database().entry.create({ data: { name, message } });
  return true;
}

/** Removes an entry and notes that it did, both or neither. Returns false when somebody else was faster. */
export async function removeEntry(id: number): Promise<boolean> {
  try {
    await database().$transaction(async (tx) => {
      const { name } = await tx.entry.delete({ where: { id } });
      await tx.removal.create({ data: { name } });
    });
    return true;
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2025') return false;
    throw error;
  }
}
