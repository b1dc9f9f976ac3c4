// Each recipe is run as its comment says, and prints what it says.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createKey, fixedKeys, type RunningGateway, startGateway } from '@postern/gateway';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generatePrismaClient } from './generate-prisma-client.ts';
import { pgbouncerProgram, startPgBouncer } from './pgbouncer.ts';
import { type Recipe, readRecipes, recipeFiles, recipesFolder } from './recipe.ts';

const execute = promisify(execFile);
const recipes = readRecipes();
const programs = join(recipesFolder, 'node_modules/.bin');

let database: TestDatabase;
let gateway: RunningGateway;
let environment: Record<string, string>;
let direct: Record<string, string>;
let home: string;
/** The recipes as somebody has copied them, with nothing of the repository around. */
let copied: string;

beforeAll(async () => {
  generatePrismaClient();
  home = mkdtempSync(join(tmpdir(), 'postern-recipes-'));
  copied = join(home, 'copied');
  const installed = join(recipesFolder, 'node_modules');
  cpSync(recipesFolder, copied, { recursive: true, filter: (path) => path !== installed });
  symlinkSync(installed, join(copied, 'node_modules'));
  database = await createTestDatabase();
  const { key, entry } = await createKey({
    name: 'recipes',
    endpoint: 'default',
    plan: 'business',
    createdAt: new Date(0),
  });
  gateway = await startGateway({
    endpoints: [{ name: 'default', databaseUrl: database.url }],
    http: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    keys: fixedKeys([entry]),
    log() {},
  });
  const over = ({ port }: { port: number }, query = ''): string => {
    const url = new URL(database.url);
    url.host = `127.0.0.1:${port}`;
    return `${url.href}${query}`;
  };
  environment = {
    PATH: [programs, process.env.PATH].join(delimiter),
    HOME: home,
    DATABASE_URL: over(gateway.httpAddress),
    TCP_URL: over(gateway.tcpAddress!, '?options=pooled%3Dtrue'),
    ACCELERATE_URL: `prisma+postgres://127.0.0.1:${gateway.httpAddress.port}/?api_key=${key}`,
  };
  direct = { DATABASE_URL: database.url, PGBOUNCER_URL: database.url };
}, 120_000);

afterAll(async () => {
  await gateway?.close(0);
  await database?.drop();
  if (home) rmSync(home, { recursive: true, force: true });
});

async function run(command: string, added: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr } = await execute('sh', ['-c', command.replace(/\bnpx (tsx|prisma)\b/g, '$1')], {
    cwd: copied,
    env: { ...environment, ...added },
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  return stdout;
}

test('each recipe says what, when, how to run it, and what it prints', () => {
  expect(recipes.length).toBeGreaterThanOrEqual(11);
  for (const { path, title, when, command, prints } of recipes) {
    expect({ path, title, when, command, prints }).toEqual({
      path,
      title: expect.stringMatching(/^[A-Z].{20,110}[.:]$/),
      when: expect.stringMatching(/.{20}/),
      command: expect.stringContaining(path),
      prints: expect.stringMatching(/\n$/),
    });
  }
});

test('the index lists every recipe with its title', () => {
  const index = readFileSync(join(recipesFolder, 'README.md'), 'utf8');
  const listed = [...index.matchAll(/^\| \[`([^`]+)`\]\(\1\) \| (.+?) +\|$/gm)].map(([, path, title]) => ({
    path,
    title,
  }));
  // What it tells to type is what a recipe says of itself.
  const typed = [...index.matchAll(/npx tsx \S+/g)].map(([command]) => command);
  expect(typed.length).toBeGreaterThan(0);
  expect(recipes.map(({ command }) => command)).toEqual(expect.arrayContaining(typed));
  expect(listed.sort((a, b) => a.path!.localeCompare(b.path!))).toEqual(
    recipes.map(({ path, title }) => ({ path, title })),
  );
});

test.each(recipes)('$path', { timeout: 60_000 }, async ({ command, prints }) => {
  // The client is generated already.
  expect(await run(command.replace(/^npx prisma generate .* && /, ''))).toBe(prints);
});

describe('before and after', { timeout: 60_000 }, () => {
  /** A recipe's program as it was, beside it, so that it finds the same packages. */
  async function runBefore({ path, before }: Recipe, added: Record<string, string>, preload = ''): Promise<string> {
    const file = join(copied, dirname(path), `before-${process.pid}.tmp.ts`);
    writeFileSync(file, `${preload}${before}`);
    try {
      return await run(`npx tsx ${file}`, added);
    } finally {
      rmSync(file);
    }
  }

  const named = (path: string): Recipe => recipes.find((recipe) => recipe.path === path)!;

  test('the official Neon driver prints the same', async () => {
    const recipe = named('migrate-from-neon.ts');
    // Its settings for a gateway on this machine; at Neon it needs none.
    const preload = `import { pointAtPostern } from '@postern/serverless';
import { neonConfig } from '@neondatabase/serverless';
import { WebSocket } from 'ws';
pointAtPostern(neonConfig, 'http://' + new URL(process.env.DATABASE_URL!).host);
neonConfig.webSocketConstructor = WebSocket;
`;
    expect(recipe.before).toContain("from '@neondatabase/serverless'");
    expect(await runBefore(recipe, {}, preload)).toBe(recipe.prints);
  });

  test('pg at Postgres itself prints what it prints through the pool', async () => {
    const recipe = named('migrate-from-pgbouncer.ts');
    expect(recipe.before).toContain('process.env.PGBOUNCER_URL');
    expect(await runBefore(recipe, direct)).toBe(recipe.prints);
  });

  // PgBouncer is what npm does not bring: `apt-get install pgbouncer`.
  test.skipIf(pgbouncerProgram === undefined)(
    'PgBouncer prints the same, once: what a session leaves stays',
    async () => {
      const recipe = named('migrate-from-pgbouncer.ts');
      const pgbouncer = await startPgBouncer(pgbouncerProgram!, database);
      try {
        const before = { PGBOUNCER_URL: pgbouncer.url };
        expect(await runBefore(recipe, before)).toBe(recipe.prints);
        await expect(runBefore(recipe, before)).rejects.toThrow(/already exists/);
      } finally {
        await pgbouncer.stop();
      }
      expect(await run(recipe.command)).toBe(recipe.prints);
      expect(await run(recipe.command)).toBe(recipe.prints);
    },
  );

  test('pg itself, over TCP, prints what the alias prints', async () => {
    const recipe = named('pg-alias/app.ts');
    expect(await run('npx tsx pg-alias/app.ts', { DATABASE_URL: environment.TCP_URL! })).toBe(recipe.prints);
  });
});

test('nothing is left behind', () => {
  expect(recipeFiles().filter((path) => path.includes('.tmp.'))).toEqual([]);
});
