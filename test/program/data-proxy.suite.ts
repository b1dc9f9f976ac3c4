import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prisma6WithoutEngine } from '@postern/test-prisma-6/without-engine';
import { createSuiteDatabase, type SuiteClient } from '@postern/test-prisma-suite';
import type { TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningProgram, runProgram, startProgram } from './running-program.ts';

// A Prisma client without an engine: the compiler it needs is in files beside the bundle, and each worker has its own.

export function dataProxySuite(): void {
  let folder: string;
  let database: TestDatabase;
  let program: RunningProgram;
  let prisma: SuiteClient;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-data-proxy-'));
    database = await createSuiteDatabase();
    const made = await runProgram(['keys', 'create', '--name', 'old'], { cwd: folder });
    const key = /^ {2}(postern_\S+)$/m.exec(made.stdout)?.[1] ?? '';
    program = startProgram(
      ['serve', '--http', '127.0.0.1:0', '--tcp', '127.0.0.1:0', '--log-format', 'json', '--workers', '2'],
      { cwd: folder, environment: { DATABASE_URL: database.url } },
    );
    const { http } = await program.listening();
    prisma = prisma6WithoutEngine().openAccelerate(`prisma+postgres://${new URL(http).host}/?api_key=${key}`);
  });
  afterAll(async () => {
    await prisma?.$disconnect();
    await program?.stop('SIGKILL');
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('queries, transactions and raw SQL through two workers', async () => {
    const reads = Array.from({ length: 12 }, (_, id) => prisma.user.findMany({ where: { id: { gte: id } } }));
    expect((await Promise.all(reads)).map((rows) => (rows as unknown[]).length).slice(0, 4)).toEqual([3, 3, 2, 1]);
    const inTransactions = Array.from({ length: 6 }, (_, index) =>
      prisma.$transaction(
        async (tx) => {
          await tx.category.create({ data: { name: `worker ${index}` } });
          return tx.category.count({ where: { name: `worker ${index}` } });
        },
        { maxWait: 10_000, timeout: 20_000 },
      ),
    );
    expect(await Promise.all(inTransactions)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await prisma.$queryRaw`SELECT ${7}::int AS seven`).toEqual([{ seven: 7 }]);
    expect(await prisma.$transaction([prisma.user.count(), prisma.post.count()])).toEqual([3, 4]);
    const workers = program
      .stdout()
      .split('\n')
      .filter((line) => line.includes('"data-proxy/'))
      .map((line) => (JSON.parse(line) as { worker: number }).worker);
    expect(new Set(workers)).toEqual(new Set([1, 2]));
  });
}
