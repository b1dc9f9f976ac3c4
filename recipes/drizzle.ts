// Drizzle over Postern: HTTP for single statements and batches, WebSocket for transactions.
//
// When: your queries are Drizzle's, and they run where no Postgres connection can live.
// Run:  npx tsx drizzle.ts
// Both use drivers that Drizzle has: `neon-http` takes our `sql` function, `node-postgres` our `Pool`. Drizzle names the classes of
// the official packages in its types, hence `as never`, and over HTTP asks the official one for texts of dates and intervals: without its
// `types` they come out in another form, and in another time zone. An application of its own needs no such thing: with
// "@neondatabase/serverless": "npm:@postern/serverless" in its package.json, Drizzle's Neon drivers are ours.
import { types } from '@neondatabase/serverless';
import { Pool, postern } from '@postern/serverless';
import { eq, sql } from 'drizzle-orm';
import { drizzle as overHttp } from 'drizzle-orm/neon-http';
import { drizzle as overWebSocket } from 'drizzle-orm/node-postgres';
import { integer, interval, pgTable, serial, text } from 'drizzle-orm/pg-core';
import './websocket.ts';

const url = process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres';

const books = pgTable('books', {
  id: serial().primaryKey(),
  title: text().notNull(),
  stock: integer().notNull(),
  loan: interval().notNull().default('14 days'),
});

const http = overHttp({ client: postern(url, { types }) as never });
await http.execute(sql`DROP TABLE IF EXISTS books`);
await http.execute(
  sql`CREATE TABLE books (id serial PRIMARY KEY, title text NOT NULL, stock int NOT NULL CHECK (stock >= 0),
    loan interval NOT NULL DEFAULT '14 days')`,
);
const [solaris] = await http.insert(books).values({ title: 'Solaris', stock: 1 }).returning();
console.log('inserted', solaris);

// A batch is one request and one transaction.
const [, all] = await http.batch([
  http.insert(books).values({ title: 'Eden', stock: 3 }),
  http.select({ title: books.title }).from(books).orderBy(books.id),
]);
console.log('batch', all);

const pool = new Pool({ connectionString: url });
const db = overWebSocket({ client: pool as never });
const sell = (count: number) =>
  db.transaction(async (tx) => {
    await tx.insert(books).values({ title: `Receipt for ${count}`, stock: 0 });
    await tx
      .update(books)
      .set({ stock: sql`${books.stock} - ${count}` })
      .where(eq(books.id, 1));
  });
await sell(1);
await sell(1).catch((error) => console.log('sold out:', error.cause.code));
console.log('rows', await db.$count(books));
await pool.end();

// Prints:
// inserted { id: 1, title: 'Solaris', stock: 1, loan: '14 days' }
// batch [ { title: 'Solaris' }, { title: 'Eden' } ]
// sold out: 23514
// rows 3
