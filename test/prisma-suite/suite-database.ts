import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';

const here = dirname(fileURLToPath(import.meta.url));

/** A schema whose name is right only where it is quoted. Prisma itself cannot have double quotes in it. */
export const oddSchema = "My odd Shop's v1.2";

/** A fresh database with the suite's tables in one schema, and a few rows. Two of them are equal to the last id. */
export async function createSuiteDatabase(schema = 'public'): Promise<TestDatabase> {
  const database = await createTestDatabase();
  const ddl = readFileSync(join(here, 'schema.sql'), 'utf8');
  const name = quoteIdentifier(schema);
  await database.query(`CREATE SCHEMA IF NOT EXISTS ${name}; SET search_path = ${name}; ${ddl} ${seed}`);
  return database;
}

/** Makes new sessions write values in other ways than by default, which is all that the official adapters can read. */
export async function writeDifferently({ name, query }: TestDatabase): Promise<void> {
  const settings = {
    TimeZone: 'America/St_Johns',
    DateStyle: 'SQL, DMY',
    bytea_output: 'escape',
    IntervalStyle: 'iso_8601',
  };
  for (const [setting, value] of Object.entries(settings)) {
    await query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  }
}

/** `options` of a connection string that make the schema the search_path. */
export function searchPathOption(schema: string): string {
  return `-c search_path=${quoteIdentifier(schema).replace(/[\\\s]/g, '\\$&')}`;
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const seed = `
INSERT INTO "User" (email, name, role, score, "createdAt") VALUES
  ('ada@example.com', 'Ada', 'admin', 10, '2024-01-01 00:00:00'),
  ('bob@example.com', NULL, 'USER', 20, '2024-01-02 00:00:00'),
  ('eve@example.com', 'Eve', 'USER', 30, '2024-01-03 00:00:00');
INSERT INTO "Profile" (bio, "userId") VALUES ('First programmer', 1);
INSERT INTO "Post" (title, published, views, "authorId") VALUES
  ('Hello', true, 5, 1), ('World', false, 7, 1), ('Orphan', true, 1, NULL), ('Bobs', true, 9, 2);
INSERT INTO "Category" (name) VALUES ('db'), ('web');
INSERT INTO "_CategoryToPost" ("A", "B") VALUES (1, 1), (2, 1), (1, 4);
INSERT INTO "Team" VALUES ('00000000-0000-4000-8000-000000000001', 'core');
INSERT INTO "Membership" VALUES
  ('00000000-0000-4000-8000-000000000001', 1, '2024-05-06'),
  ('00000000-0000-4000-8000-000000000001', 3, '2024-12-31');
INSERT INTO "Badge" (label, "teamId", "userId") VALUES
  ('gold', '00000000-0000-4000-8000-000000000001', 1), ('blue', '00000000-0000-4000-8000-000000000001', 1),
  ('red', '00000000-0000-4000-8000-000000000001', 3), ('nobody''s', NULL, NULL);
`;
