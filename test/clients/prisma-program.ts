/** Runs the Prisma CLI, with the schema engine shim in place of the engine that it would download. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

export interface PrismaRun {
  readonly code: number | null;
  /** What it printed, to either stream. */
  readonly output: string;
}

export interface PrismaProject {
  readonly folder: string;
  readonly schemaPath: string;
  run(args: readonly string[], databaseUrl: string): Promise<PrismaRun>;
}

/** Where generated code goes: git-ignored, and below node_modules that hold Prisma's runtime. */
export const generatedFolder: string = join(here, 'generated');

/** A new project with the schema of these tests, and no other configuration than one database URL. */
export function createPrismaProject(): PrismaProject {
  mkdirSync(generatedFolder, { recursive: true });
  const folder = mkdtempSync(join(generatedFolder, 'project-'));
  const schemaPath = join(folder, 'prisma/schema.prisma');
  cpSync(join(here, 'prisma'), join(folder, 'prisma'), { recursive: true });
  writeFileSync(
    join(folder, 'prisma.config.mjs'),
    'export default { schema: "prisma/schema.prisma", datasource: { url: process.env.DATABASE_URL } };\n',
  );
  return {
    folder,
    schemaPath,
    run: (args, databaseUrl) => runPrisma([...args, '--config', 'prisma.config.mjs'], folder, databaseUrl),
  };
}

export function runPrisma(args: readonly string[], cwd: string, databaseUrl?: string): Promise<PrismaRun> {
  const child = spawn(process.execPath, [join(here, 'node_modules/prisma/build/index.js'), ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      NO_COLOR: '1',
      CI: '1',
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      PRISMA_SCHEMA_ENGINE_BINARY: join(here, 'schema-engine-shim/schema-engine.mjs'),
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
