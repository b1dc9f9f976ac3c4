// drizzle-orm over both of its Neon drivers, unmodified, on the pooled connection with another caller on the same two
// connections.
import { neon, neonConfig, Pool } from '@neondatabase/serverless';
import { eq, relations, sql } from 'drizzle-orm';
import { drizzle as drizzleHttp } from 'drizzle-orm/neon-http';
import { drizzle as drizzleWebSocket } from 'drizzle-orm/neon-serverless';
import { bigint, boolean, date, integer, jsonb, numeric, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';

const authors = pgTable('authors', { id: serial().primaryKey(), name: text().notNull().unique() });
const books = pgTable('books', {
  id: serial().primaryKey(),
  authorId: integer('author_id')
    .notNull()
    .references(() => authors.id),
  title: text().notNull(),
  price: numeric({ precision: 8, scale: 2 }),
  sold: bigint({ mode: 'bigint' }).default(0n),
  isNew: boolean('is_new').default(true),
  tags: text().array(),
  data: jsonb(),
  published: date(),
  added: timestamp({ withTimezone: true }),
});
const schema = {
  authors,
  books,
  authorsRelations: relations(authors, ({ many }) => ({ books: many(books) })),
  booksRelations: relations(books, ({ one }) => ({
    author: one(authors, { fields: [books.authorId], references: [authors.id] }),
  })),
};

let pooled: PooledGateway;
let noise: NoisyCaller;

beforeAll(async () => {
  pooled = await openPooledGateway();
  await pooled.database.query(`
    CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE books (id serial PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text NOT NULL, price numeric(8,2),
      sold bigint DEFAULT 0, is_new bool DEFAULT true, tags text[], data jsonb, published date, added timestamptz)`);
  Object.assign(neonConfig, pooled.driverSettings);
  noise = await startNoisyCaller(pooled.tcpUrl);
});

beforeEach(() => pooled.database.query('TRUNCATE authors, books RESTART IDENTITY'));

afterAll(async () => {
  await noise.stop();
  await pooled.close();
});

const book = {
  authorId: 1,
  title: 'Solaris',
  price: '12.50',
  sold: 9007199254740993n,
  isNew: false,
  tags: ['sea', 'a,"b"'],
  data: { pages: [1, null, 'ä'] },
  published: '1961-06-01',
  added: new Date('2026-02-03T04:05:06.789Z'),
};
const tree = [{ id: 1, name: 'Lem', books: [{ id: 1, title: 'Solaris', published: '1961-06-01' }] }];
const treeQuery = { with: { books: { columns: { id: true, title: true, published: true } } } } as const;

describe('neon-http', () => {
  function open() {
    return drizzleHttp(neon(pooled.poolerUrl), { schema });
  }

  test('values go in and come out in every type', async () => {
    const db = open();
    expect(await db.insert(authors).values({ name: 'Lem' }).returning()).toEqual([{ id: 1, name: 'Lem' }]);
    expect(await db.insert(books).values(book).returning()).toEqual([{ id: 1, ...book }]);
    expect(await db.query.authors.findMany(treeQuery)).toEqual(tree);
    expect(await db.$count(books, eq(books.title, 'Solaris'))).toBe(1);
    expect((await db.execute(sql`SELECT ${1}::int AS one`)).rows).toEqual([{ one: 1 }]);
  });

  test('batch is one transaction', async () => {
    const db = open();
    const [added, all] = await db.batch([
      db.insert(authors).values({ name: 'Lem' }).returning({ id: authors.id }),
      db.query.authors.findMany(),
    ]);
    expect([added, all]).toEqual([[{ id: 1 }], [{ id: 1, name: 'Lem' }]]);
    const failing = db.batch([
      db.insert(authors).values({ name: 'Undone' }),
      db.insert(authors).values({ name: 'Lem' }),
    ]);
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await db.$count(authors)).toBe(1);
  });

  test('errors keep their SQLSTATE', async () => {
    await expect(open().insert(books).values(book)).rejects.toMatchObject({
      cause: { code: '23503', constraint: 'books_author_id_fkey' },
    });
  });
});

describe('neon-serverless', () => {
  async function withDatabase(use: (db: ReturnType<typeof open>) => Promise<void>): Promise<void> {
    const pool = new Pool({ connectionString: pooled.poolerUrl, max: 5 });
    try {
      await use(open(pool));
    } finally {
      await pool.end();
    }
  }

  function open(pool: Pool) {
    return drizzleWebSocket(pool, { schema });
  }

  test('values go in and come out in every type', () =>
    withDatabase(async (db) => {
      expect(await db.insert(authors).values({ name: 'Lem' }).returning()).toEqual([{ id: 1, name: 'Lem' }]);
      expect(await db.insert(books).values(book).returning()).toEqual([{ id: 1, ...book }]);
      expect(await db.query.authors.findMany(treeQuery)).toEqual(tree);
    }));

  test('transactions, nested ones, and their isolation', () =>
    withDatabase(async (db) => {
      await db.transaction(
        async (tx) => {
          await tx.insert(authors).values({ name: 'Lem' });
          await tx
            .transaction(async (inner) => {
              await inner.insert(authors).values({ name: 'Undone' });
              inner.rollback();
            })
            .catch(() => {});
          const shown = await tx.execute(sql`SELECT current_setting('transaction_isolation') AS level`);
          expect(shown.rows).toEqual([{ level: 'serializable' }]);
        },
        { isolationLevel: 'serializable' },
      );
      await expect(
        db.transaction(async (tx) => {
          await tx.delete(authors);
          await tx.insert(authors).values([{ name: 'Twice' }, { name: 'Twice' }]);
        }),
      ).rejects.toMatchObject({ cause: { code: '23505' } });
      expect(await db.select().from(authors)).toEqual([{ id: 1, name: 'Lem' }]);
    }));

  test('prepared queries under one name on many connections', () =>
    withDatabase(async (db) => {
      await db.insert(authors).values(Array.from({ length: 20 }, (_, n) => ({ name: `author ${n + 1}` })));
      const find = db
        .select()
        .from(authors)
        .where(eq(authors.id, sql.placeholder('id')))
        .prepare('find');
      const found = await Promise.all(Array.from({ length: 20 }, (_, n) => find.execute({ id: n + 1 })));
      expect(found).toEqual(Array.from({ length: 20 }, (_, n) => [{ id: n + 1, name: `author ${n + 1}` }]));
    }));
});
