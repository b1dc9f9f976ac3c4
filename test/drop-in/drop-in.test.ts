// Programs written for the official driver: as they are, and with the one import changed (which is what the alias
// "@neondatabase/serverless": "npm:@postern/serverless" does, for libraries too). Both must print the same.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGateway } from '@postern/gateway';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const here = import.meta.dirname;
const programs = (await readdir(join(here, 'programs'))).filter((name) => name !== 'setup.mjs');
const ours = join(here, '../../packages/serverless/dist/index.js');

let database: TestDatabase;
let url: string;
let folder: string;
let close: () => Promise<void>;

beforeAll(async () => {
  database = await createTestDatabase();
  const gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    log() {},
  });
  const own = new URL(database.url);
  own.host = `127.0.0.1:${gateway.httpAddress.port}`;
  url = own.href;
  folder = await mkdtemp(join(tmpdir(), 'postern-drop-in-'));
  await symlink(join(here, 'node_modules'), join(folder, 'node_modules'));
  close = async () => {
    await gateway.close(0);
    await database.drop();
    await rm(folder, { recursive: true });
  };
});
afterAll(() => close());

async function output(program: string, driver: 'official' | 'ours'): Promise<string> {
  const outfile = join(folder, `${driver}-${program}`);
  await build({
    entryPoints: [join(here, 'programs', program)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    external: ['ws'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    ...(driver === 'ours' && { alias: { '@neondatabase/serverless': ours } }),
  });
  await database.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  const { stdout } = await run(process.execPath, ['--unhandled-rejections=throw', outfile, url], {
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stdout.endsWith('done\n')).toBe(true);
  return stdout;
}

test.each(programs)('%s', { timeout: 120_000 }, async (program) => {
  const official = await output(program, 'official');
  expect(official.split('\n').length).toBeGreaterThan(40);
  expect(await output(program, 'ours')).toBe(official);
});

test('a typed program has its types', { timeout: 60_000 }, async () => {
  await run(join(here, '../../node_modules/.bin/tsc'), ['-p', join(here, 'typed')]);
});
