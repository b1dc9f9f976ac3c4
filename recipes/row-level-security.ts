// Row-level security: each request sees its user's rows, because Postgres says so.
//
// When: many users share tables, and a forgotten WHERE must not show one's rows to another.
// Run:  npx tsx row-level-security.ts
// `set_config(…, true)` and SET LOCAL end with the transaction, so that they are safe on pooled connections everywhere.
// Postern also keeps plain SET apart from other callers, but over HTTP each request is a session of its own.
import { postern } from '@postern/serverless/http';

const sql = postern(process.env.DATABASE_URL ?? 'postgres://postgres:postgres@localhost:4444/postgres');

await sql`DROP TABLE IF EXISTS notes`;
await sql`CREATE TABLE notes (owner text NOT NULL, text text NOT NULL)`;
await sql`DO $$ BEGIN CREATE ROLE notes_app; EXCEPTION WHEN duplicate_object THEN NULL; END $$`;
await sql.transaction([
  sql`INSERT INTO notes VALUES ('ada', 'Call Charles'), ('grace', 'Find the moth'), ('ada', 'Write note G')`,
  sql`ALTER TABLE notes ENABLE ROW LEVEL SECURITY`,
  sql`GRANT SELECT, INSERT ON notes TO notes_app`,
  sql`CREATE POLICY own ON notes TO notes_app USING (owner = current_setting('app.user', true))`,
]);

/** Runs one statement as the given user: one request, one transaction. */
async function as(user: string, statement: ReturnType<typeof sql>): Promise<unknown[]> {
  // The tables' owner and superusers pass all policies: hence the role, which may log in nowhere.
  const [, , rows] = await sql.transaction([
    sql`SET LOCAL ROLE notes_app`,
    sql`SELECT set_config('app.user', ${user}, true)`,
    statement,
  ]);
  return rows;
}

console.log('ada  ', await as('ada', sql`SELECT text FROM notes`));
console.log('grace', await as('grace', sql`SELECT text FROM notes`));
await as('grace', sql`INSERT INTO notes VALUES ('ada', 'Not from Ada')`).catch(({ message }) =>
  console.log('grace', message),
);
console.log('owner', await sql`SELECT count(*)::int, nullif(current_setting('app.user', true), '') AS user FROM notes`);

// Prints:
// ada   [ { text: 'Call Charles' }, { text: 'Write note G' } ]
// grace [ { text: 'Find the moth' } ]
// grace new row violates row-level security policy for table "notes"
// owner [ { count: 3, user: null } ]
