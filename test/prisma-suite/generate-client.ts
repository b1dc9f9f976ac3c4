import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

export interface GenerateOptions {
  /** The package whose `prisma` and `@prisma/client` are used; gets the folder `generated/`. */
  readonly packageFolder: string;
  readonly version: string;
  /** The schema's `datasource` and `generator` blocks differ from version to version. */
  readonly header: string;
  /** Further flags of `prisma generate`. */
  readonly flags?: readonly string[];
}

/**
 * The generated client's folder. Generated when schema or version changed (a few seconds), without network: a stub stands in
 * for the schema engine that the CLI would download (reference/prisma.md §3.4).
 */
export function generateClient({ packageFolder, version, header, flags = [] }: GenerateOptions): string {
  const schema = `${header}\n${readFileSync(join(here, 'schema.prisma.txt'), 'utf8')}`;
  const id = createHash('sha256')
    .update([version, schema, ...flags].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const folder = join(packageFolder, 'generated', id);
  if (existsSync(folder)) return folder;
  mkdirSync(join(packageFolder, 'generated'), { recursive: true });
  // Beside its final place, because it is moved there in one step: several test files may come here at once.
  const work = mkdtempSync(join(packageFolder, 'generated', 'work-'));
  try {
    writeFileSync(join(work, 'schema.prisma'), schema);
    writeFileSync(join(work, 'stub'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    run(packageFolder, work, flags);
    cpSync(join(work, 'schema.prisma'), join(work, 'client', 'schema.prisma'));
    if (!existsSync(folder)) renameSync(join(work, 'client'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

function run(packageFolder: string, work: string, flags: readonly string[]): void {
  const require = createRequire(join(packageFolder, 'package.json'));
  const cli = join(dirname(require.resolve('prisma/package.json')), 'build', 'index.js');
  const stub = join(work, 'stub');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cli, 'generate', '--schema', join(work, 'schema.prisma'), ...flags],
    {
      cwd: packageFolder,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: work,
        DATABASE_URL: 'postgres://localhost/none',
        PRISMA_SCHEMA_ENGINE_BINARY: stub,
        PRISMA_QUERY_ENGINE_LIBRARY: stub,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
      },
    },
  );
  if (status !== 0) throw new Error(`prisma generate failed:\n${stdout}${stderr}`);
}
