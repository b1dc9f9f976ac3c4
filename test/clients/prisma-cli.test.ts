// The Prisma CLI with ONE database URL, the pooled one, on two server connections that another caller uses as well. Its
// schema engine is Prisma's own, in WebAssembly (schema-engine-shim).
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type NoisyCaller, startNoisyCaller } from './noisy-caller.ts';
import { openPooledGateway, type PooledGateway } from './pooled-gateway.ts';
import { createPrismaProject, type PrismaProject } from './prisma-program.ts';

// Each test runs the CLI, two programs of a second or two, up to ten times, and may not have the machine to itself.
vi.setConfig({ testTimeout: 180_000 });

let pooled: PooledGateway;
let noise: NoisyCaller;
const projects: PrismaProject[] = [];
const databases: string[] = [];

beforeAll(async () => {
  pooled = await openPooledGateway();
  noise = await startNoisyCaller(pooled.tcpUrl);
});

afterAll(async () => {
  await noise.stop();
  for (const name of databases) await pooled.database.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  for (const { folder } of projects) rmSync(folder, { recursive: true });
  await pooled.close();
});

interface Prisma {
  readonly project: PrismaProject;
  /** Runs the CLI; what it printed. */
  run(command: string): Promise<string>;
  runFailing(command: string): Promise<string>;
  addMigration(name: string, sql: string): string;
}

/** A project of its own with the pooled URL of a database that does not exist yet. */
function createPrisma(purpose: string): Prisma {
  const project = createPrismaProject();
  projects.push(project);
  const name = `${pooled.database.name}_${purpose}`;
  databases.push(name);
  const url = Object.assign(new URL(pooled.tcpUrl), { pathname: `/${name}` }).href;
  return {
    project,
    async run(command) {
      const { code, output } = await project.run(command.split(' '), url);
      expect(code, output).toBe(0);
      return output;
    },
    async runFailing(command) {
      const { code, output } = await project.run(command.split(' '), url);
      expect(code, output).toBe(1);
      return output;
    },
    addMigration(migration, sql) {
      const folder = join(project.folder, 'prisma/migrations', migration);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, '../migration_lock.toml'), 'provider = "postgresql"\n');
      writeFileSync(join(folder, 'migration.sql'), sql);
      return join(folder, 'migration.sql');
    },
  };
}

const addedModel = '\nmodel Note {\n  id Int @id\n  text String\n}\n';

test('db push creates the database and follows the schema, db pull reads it back', async () => {
  const { run, project } = createPrisma('push');
  expect(await run('db push')).toContain('Your database is now in sync with your Prisma schema');
  expect(await run('db push')).toContain('The database is already in sync');
  appendFileSync(project.schemaPath, addedModel);
  expect(await run('db push')).toContain('Your database is now in sync');
  const pulled = await run('db pull --print');
  for (const model of ['User', 'Profile', 'Post', 'Tag', 'Note']) {
    expect(pulled).toMatch(new RegExp(`model ${model} \\{`));
  }
  expect(pulled).toContain('enum Role {');
  expect(pulled).toMatch(/rating +Decimal\? +@db.Decimal\(4, 2\)/);
});

test('migrate dev writes migrations with a shadow database that is gone afterwards', async () => {
  const { run, project } = createPrisma('dev');
  expect(await run('migrate dev --name first')).toContain('Your database is now in sync');
  appendFileSync(project.schemaPath, addedModel);
  expect(await run('migrate dev --name second')).toContain('Your database is now in sync');
  expect(await run('migrate dev')).toContain('Already in sync');
  expect(await run('migrate status')).toContain('Database schema is up to date!');
  expect(readdirSync(join(project.folder, 'prisma/migrations')).sort()).toEqual([
    expect.stringMatching(/^\d+_first$/),
    expect.stringMatching(/^\d+_second$/),
    'migration_lock.toml',
  ]);
  // Those of this gateway: other test files have theirs in the same cluster.
  const shadows = new Set(pooled.events.map((event) => String(event.database)).filter((name) => /shadow/.test(name)));
  expect(shadows.size).toBeGreaterThanOrEqual(2);
  const left = 'SELECT datname FROM pg_database WHERE datname = ANY ($1)';
  expect(await pooled.database.query(left, [[...shadows]])).toEqual([]);
});

test('migrate status and deploy, twice at once, with a migration that fails', async () => {
  const { run, runFailing, addMigration } = createPrisma('deploy');
  addMigration('20260101000000_first', 'CREATE TABLE "User" ("id" int);');
  expect(await runFailing('migrate status')).toContain('does not exist');
  expect(await run('migrate deploy')).toContain('All migrations have been successfully applied');
  expect(await run('migrate status')).toContain('Database schema is up to date!');

  // The engine takes an advisory lock: one of the two finds nothing left to do.
  addMigration('20260102000000_second', 'CREATE TABLE "Note" ("id" int); SELECT pg_sleep(0.5);');
  const both = await Promise.all([run('migrate deploy'), run('migrate deploy')]);
  expect(both.map((output) => /successfully applied|No pending/.exec(output)?.[0]).sort()).toEqual([
    'No pending',
    'successfully applied',
  ]);

  const third = addMigration('20260103000000_third', 'ALTER TABLE "Note" ADD "extra" int; SELECT 1 / 0;');
  expect(await runFailing('migrate deploy')).toContain('division by zero');
  await run('migrate resolve --rolled-back 20260103000000_third');
  writeFileSync(third, 'ALTER TABLE "Note" ADD IF NOT EXISTS "extra" int;');
  expect(await run('migrate deploy')).toContain('All migrations have been successfully applied');
});
