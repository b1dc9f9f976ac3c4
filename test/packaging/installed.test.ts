// The tarballs in an empty project: what a user writes with them works, in Node, for tsc, and in a Worker.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from '@postern/gateway';
import { prisma7 } from '@postern/test-prisma-7';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { build, transform } from 'esbuild';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmptyProject, type EmptyProject } from './empty-project.ts';
import { named, packPublished, repositoryRoot } from './published-packages.ts';
import { filesOf, readmePrograms } from './readme-programs.ts';
import { readSnippets } from './readme-snippets.ts';

const packed = packPublished();
const driver = named(packed.packages, '@postern/serverless');
const adapter = named(packed.packages, '@postern/prisma-adapter');
const here = import.meta.dirname;

let project: EmptyProject;
let database: TestDatabase;
let gateway: RunningGateway;
let url: string;
let origin: string;

beforeAll(async () => {
  project = createEmptyProject();
  [database] = await Promise.all([
    createTestDatabase(),
    project.install(driver.tarball, adapter.tarball, 'ws@8.23.0', '@neondatabase/serverless@1.2.0'),
  ]);
  await database.query(`
    CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, role text NOT NULL DEFAULT 'user');
    INSERT INTO users (name) VALUES ('Ada');
    CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL);
    INSERT INTO account VALUES (1, 10), (2, 0);
    CREATE TABLE events (id int, text text);
    INSERT INTO events SELECT n, 'event ' || n FROM generate_series(3, 5002) AS n`);
  gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    log() {},
  });
  const own = new URL(database.url);
  own.hostname = '127.0.0.1';
  own.port = String(gateway.httpAddress.port);
  url = own.href;
  origin = `http://${own.host}`;
}, 180_000);

afterAll(async () => {
  await gateway?.close(0);
  await database?.drop();
  project?.remove();
  packed.remove();
});

/** Runs a program of TypeScript files in Node: what it prints. */
async function runProgram(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    const { code } = await transform(text.replace(/(from '\.\/[\w-]+)\.ts'/g, "$1.mjs'"), { loader: 'ts' });
    project.write(join(folder, name.replace(/ts$/, 'mjs')), code);
  }
  const args = ['--import', './websocket.mjs', join(folder, 'main.mjs')];
  return (await project.run(process.execPath, args, { DATABASE_URL: url, NODE_PATH: besidePrisma() })).trim();
}

describe.each([driver, adapter])('README of $name', ({ name, unpacked }) => {
  const snippets = readSnippets(readFileSync(join(unpacked, 'README.md'), 'utf8'));
  const programs = readmePrograms[name]!;

  test('each snippet has a program', () => {
    expect(snippets.map(({ heading }) => heading)).toEqual(Object.keys(programs));
  });

  test.each(snippets)('$heading', async (snippet) => {
    // As Node 22 has it.
    project.write('websocket.mjs', `import { WebSocket } from 'ws';\nglobalThis.WebSocket ??= WebSocket;\n`);
    const program = programs[snippet.heading]!;
    const folder = `snippet${snippet.heading.replace(/\W+/g, '-')}`;
    project.write(`${folder}/generated/client.mjs`, prismaClient());
    const code = snippet.code
      .replace('https://db.example.com', origin)
      .replace('./generated/client', './generated/client.mjs');
    const output = await runProgram(folder, filesOf({ ...snippet, code }, program));
    if (typeof program.prints === 'string') expect(output).toBe(program.prints);
    else expect(output).toMatch(program.prints);
  });
});

/** Where a generated client finds what it needs of Prisma's packages. */
function besidePrisma(): string {
  const resolve = createRequire(join(prisma7().folder, 'index.js')).resolve;
  return join(resolve('@prisma/client/package.json'), '../../..');
}

/** The client that the adapter's README has generated: here one that is generated already, of test/prisma-7. */
function prismaClient(): string {
  return `import client from ${JSON.stringify(join(prisma7().folder, 'index.js'))};\nexport const { PrismaClient } = client;\n`;
}

describe('types', { timeout: 120_000 }, () => {
  const program = readFileSync(join(here, 'fixtures/typed-program.ts'), 'utf8');

  test.each([
    ['Node', { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022'], types: ['node'] }],
    ['a bundler and the DOM', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] }],
  ])('a program type-checks for %s, the libraries too', async (name, options) => {
    const folder = name.replace(/\W+/g, '-');
    project.write(`${folder}/program.ts`, program);
    const typeRoots = [join(repositoryRoot, 'node_modules/@types')];
    const compilerOptions = {
      ...options,
      typeRoots,
      target: 'es2022',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const config = project.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    const tsc = join(repositoryRoot, 'node_modules/.bin/tsc');
    await expect(project.run(tsc, ['-p', config])).resolves.toBe('');
  });
});

describe('Workers', () => {
  const modules = readSnippets(readFileSync(join(driver.unpacked, 'README.md'), 'utf8')).filter(
    ({ heading }) => readmePrograms[driver.name]?.[heading]?.kind === 'module',
  );
  test.each(modules)('README: $heading runs in workerd', async ({ heading, code }) => {
    const folder = `worker-${heading.replace(/\W+/g, '-')}`;
    project.write(`${folder}/snippet.ts`, code);
    const entry = project.write(
      `${folder}/worker.ts`,
      `import snippet from './snippet.ts';
       export default { fetch: (request, env) => (snippet.fetch ?? snippet)(request, env) };`,
    );
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: ['workerd', 'worker', 'browser'],
      define: { 'process.env.DATABASE_URL': JSON.stringify(url) },
      logLevel: 'error',
    });
    const miniflare = new Miniflare({
      modules: true,
      script: outputFiles[0]!.text,
      compatibilityDate: '2026-01-01',
      cf: false,
      bindings: { DATABASE_URL: url },
    });
    try {
      const response = await miniflare.dispatchFetch('http://localhost/?id=1');
      expect(response.status).toBe(200);
      const { prints } = readmePrograms[driver.name]![heading]!;
      if (typeof prints === 'string') expect(await response.text()).toBe(prints);
      else expect(await response.text()).toMatch(prints);
    } finally {
      await miniflare.dispose();
    }
  });

  test('driver and adapter in one bundle run in workerd', async () => {
    project.write('worker.ts', readFileSync(join(here, 'fixtures/worker.ts'), 'utf8'));
    const { outputFiles, metafile } = await build({
      entryPoints: [join(project.folder, 'worker.ts')],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: ['workerd', 'worker', 'browser'],
      metafile: true,
      logLevel: 'error',
    });
    // One copy of the driver, and it is the installed one.
    const copies = Object.keys(metafile.inputs).filter((path) => path.endsWith('@postern/serverless/dist/index.js'));
    expect(copies).toHaveLength(1);
    const miniflare = new Miniflare({
      modules: true,
      script: outputFiles[0]!.text,
      compatibilityDate: '2026-01-01',
      cf: false,
      bindings: { DATABASE_URL: url },
    });
    try {
      const response = await miniflare.dispatchFetch('http://localhost/');
      expect(await response.json()).toEqual({
        http: [{ n: 1 }],
        webSocket: [{ n: 2 }],
        pg: [{ n: 3 }],
        adapter: [['4']],
        transaction: [[{ n: 5 }], [{ n: 6 }]],
      });
    } finally {
      await miniflare.dispose();
    }
  });
});
