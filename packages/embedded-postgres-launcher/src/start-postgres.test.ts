import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { locateBinaries } from './binaries.ts';
import { startPostgres } from './start-postgres.ts';

let folder: string;
const realPath = process.env.PATH ?? '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-launcher-test-'));
  chmodSync(folder, 0o755);
  // As after an installation without postinstall scripts: no symbolic links. And in a home that is nobody's business.
  mkdirSync(join(folder, 'private'), { mode: 0o700 });
  cpSync(locateBinaries(undefined).root, join(folder, 'private', 'native'), {
    recursive: true,
    filter: (source) => !lstatSync(source).isSymbolicLink(),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  process.env.PATH = realPath;
});

/** A PATH on which only these programs exist. */
function pathWith(...programs: string[]): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const program of programs) {
    const found = realPath.split(delimiter).find((entry) => existsSync(join(entry, program)));
    if (found) symlinkSync(join(found, program), join(bin, program));
  }
  return bin;
}

// For another user than root all of these are the same plain case.
test.each([
  ['a user namespace', ['unshare']],
  ['a capability', ['setpriv']],
  ['a copy of the binaries', []],
])('runs from a private folder without library links, with %s to help', async (_, programs) => {
  process.env.PATH = pathWith(...programs);
  const postgres = await startPostgres({ binDir: join(folder, 'private', 'native', 'bin') });
  expect(postgres.pid).toBeGreaterThan(0);
  await postgres.stop();
  expect(existsSync(postgres.dataDir)).toBe(false);
});

test('keeps a named data directory, whoever may enter the folder above it', async () => {
  const above = join(folder, 'private');
  const dataDir = join(above, 'data');
  const steps = [
    { mode: 0o700, programs: ['unshare'] },
    { mode: 0o755, programs: [] },
    { mode: 0o700, programs: ['setpriv'] },
  ];
  for (const { mode, programs } of steps) {
    chmodSync(above, mode);
    process.env.PATH = pathWith(...programs);
    const postgres = await startPostgres({ dataDir });
    await postgres.stop();
    expect(existsSync(join(dataDir, 'PG_VERSION'))).toBe(true);
  }
});

test('refuses a folder with something else in it', async () => {
  await expect(startPostgres({ dataDir: join(folder, 'private', 'native') })).rejects.toMatchObject({
    code: 'data_dir_incompatible',
  });
});

test('names the folder without binaries', async () => {
  await expect(startPostgres({ binDir: folder })).rejects.toMatchObject({
    code: 'binaries_missing',
    message: expect.stringContaining(folder),
  });
});

test('a killed program leaves neither server nor files behind', async () => {
  const script = `
    const { runnerImport } = await import(${JSON.stringify(import.meta.resolve('vite'))});
    const { module } = await runnerImport(${JSON.stringify(fileURLToPath(new URL('./start-postgres.ts', import.meta.url)))});
    const postgres = await module.startPostgres();
    console.log(JSON.stringify({ pid: postgres.pid, dataDir: postgres.dataDir }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dirname(fileURLToPath(import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))));
  const { pid, dataDir } = JSON.parse(line) as { pid: number; dataDir: string };
  expect(existsSync(dataDir)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => existsSync(dataDir), { timeout: 10_000 }).toBe(false);
});

test('puts no template where a link in the temporary folder leads', async () => {
  const temporary = process.env.TMPDIR;
  const shared = mkdtempSync(join(folder, 'tmp-'));
  const elsewhere = mkdtempSync(join(folder, 'elsewhere-'));
  chmodSync(shared, 0o777);
  symlinkSync(elsewhere, join(shared, `postern-pg-templates-${process.getuid?.() ?? 'user'}`));
  process.env.TMPDIR = shared;
  try {
    await (await startPostgres()).stop();
    expect(readdirSync(elsewhere)).toEqual([]);
  } finally {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
