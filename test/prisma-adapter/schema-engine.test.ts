// Prisma's schema engine, in its WebAssembly build, on the adapter: push, introspect, migrate with a shadow database.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPostern } from '@postern/prisma-adapter';
import { configure } from '@postern/serverless';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type OpenedGateway, openGateway } from './open-gateway.ts';

configure({ webSocketConstructor: WebSocket });

// On a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

/** What its declarations leave out: the part a bundler's loader does. */
interface Loader {
  __wbg_set_wasm(exports: WebAssembly.Exports): void;
}

const header = 'datasource db {\n  provider = "postgresql"\n}\n';
const schema = `${header}
enum Mood {
  HAPPY
  SAD
}
model Person {
  id     Int      @id @default(autoincrement())
  email  String   @unique @db.VarChar(80)
  mood   Mood     @default(HAPPY)
  born   DateTime @db.Timestamptz
  notes  Note[]
}
model Note {
  id       String  @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  text     String
  tags     String[]
  person   Person? @relation(fields: [personId], references: [id], onDelete: Cascade)
  personId Int?
  data     Json
  @@index([personId, text(sort: Desc)])
  @@index([data(ops: JsonbPathOps)], type: Gin)
}
`;
const filters = { externalTables: [], externalEnums: [] };
const files = [{ path: 'schema.prisma', content: schema }];

let database: TestDatabase;
let gateway: OpenedGateway;
beforeAll(async () => {
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const module = await WebAssembly.compile(await readFile(join(dirname(path), 'schema_engine_bg.wasm')));
  const imports = { './schema_engine_bg.js': bindings as unknown as WebAssembly.ModuleImports };
  const { exports } = await WebAssembly.instantiate(module, imports);
  (bindings as unknown as Loader).__wbg_set_wasm(exports);
  (exports.__wbindgen_start as () => void)();
  database = await createTestDatabase();
  gateway = await openGateway(database);
});
afterAll(async () => {
  await gateway?.close();
  await database?.drop();
});

test.each(['http', 'ws'] as const)('over %s', async (transport) => {
  const factory = new PrismaPostern({ connectionString: gateway.url(), transport });
  const shadows: unknown[] = [];
  const connectToShadowDb = factory.connectToShadowDb.bind(factory);
  factory.connectToShadowDb = async () => {
    const shadow = await connectToShadowDb();
    const found = await shadow.queryRaw({ sql: 'SELECT current_database()', args: [], argTypes: [] });
    shadows.push(found.rows[0]?.[0]);
    return shadow;
  };
  const bound = bindMigrationAwareSqlAdapterFactory(factory);
  const open = (content: string): Promise<bindings.SchemaEngine> =>
    bindings.SchemaEngine.new({ datamodels: [['schema.prisma', content]] }, () => {}, bound);

  const engine = await open(schema);
  await engine.reset({ filter: filters });
  expect(await engine.schemaPush({ force: false, schema: { files }, filters })).toMatchObject({
    unexecutable: [],
    warnings: [],
  });
  expect((await engine.schemaPush({ force: false, schema: { files }, filters })).executedSteps).toBe(0);

  const empty = await open(header);
  const introspected = await empty.introspect({
    schema: { files: [{ path: 'schema.prisma', content: header }] },
    baseDirectoryPath: '/',
    force: false,
    compositeTypeDepth: -1,
    namespaces: null,
  });
  const words = introspected.schema.files[0]?.content.replace(/\s+/g, ' ') ?? '';
  expect(words).toContain('email String @unique @db.VarChar(80)');
  expect(words).toContain('mood Mood @default(HAPPY)');
  expect(words).toContain('id String @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid');
  expect(words).toContain('@@index([data(ops: JsonbPathOps)], type: Gin) @@index([personId, text(sort: Desc)])');

  await engine.reset({ filter: filters });
  const migrating = await open(schema);
  const migrations = {
    baseDir: '/migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
    shadowDbInitScript: '',
  };
  const nothing = { ...migrations, migrationDirectories: [] };
  expect(await migrating.devDiagnostic({ migrationsList: nothing, filters })).toEqual({
    action: { tag: 'createMigration' },
  });
  const created = await migrating.createMigration({
    draft: false,
    migrationName: 'init',
    migrationsList: nothing,
    schema: { files },
    filters,
  });
  const script = created.migrationScript ?? '';
  expect(script).toContain('CREATE TABLE "Person"');
  const migrationsList = {
    ...migrations,
    migrationDirectories: [
      {
        path: created.generatedMigrationName,
        migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } },
      },
    ],
  };
  expect(await migrating.applyMigrations({ migrationsList, filters })).toEqual({
    appliedMigrationNames: [created.generatedMigrationName],
  });
  // The migrations are run in a shadow database and compared with this one.
  expect(await migrating.devDiagnostic({ migrationsList, filters })).toEqual({ action: { tag: 'createMigration' } });
  for (const one of [engine, empty, migrating]) one.free();
  expect(shadows.length).toBeGreaterThan(0);
  const left = 'SELECT datname FROM pg_database WHERE datname = ANY ($1)';
  await expect.poll(() => database.query(left, [shadows])).toEqual([]);
});
