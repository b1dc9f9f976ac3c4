import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipesFolder } from './recipe.ts';

/** `npx prisma generate`, when the schema has changed: without network, so with a stub for the schema engine it would download. */
export function generatePrismaClient(): void {
  const schema = join(recipesFolder, 'prisma/schema.prisma');
  const target = join(recipesFolder, 'generated/prisma');
  const stamp = join(target, '.schema');
  const wanted = createHash('sha256').update(readFileSync(schema)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  mkdirSync(target, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'postern-generate-'));
  const stub = join(work, 'stub');
  writeFileSync(stub, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const prisma = join(recipesFolder, 'node_modules/.bin/prisma');
  const { status, stdout, stderr } = spawnSync(prisma, ['generate', '--schema', schema], {
    cwd: recipesFolder,
    encoding: 'utf8',
    timeout: 60_000,
    env: {
      PATH: process.env.PATH,
      HOME: work,
      PRISMA_SCHEMA_ENGINE_BINARY: stub,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
  rmSync(work, { recursive: true, force: true });
  if (status !== 0) throw new Error(`prisma generate failed:\n${stdout}${stderr}`);
  writeFileSync(stamp, wanted);
}
