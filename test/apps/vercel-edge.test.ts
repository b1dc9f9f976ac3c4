// apps/vercel-edge: the edge function in edge-runtime, the Node function in Node, and the page that calls both in Chromium.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createTestDatabase, type TestDatabase } from '@postern/testkit';
import { EdgeRuntime } from 'edge-runtime';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OpenedGateway, openGateway } from '../prisma-adapter/open-gateway.ts';
import { openAppFolder } from './app-folder.ts';
import { chromiumPath, openPage } from './chromium.ts';

type Route = (request: Request) => Promise<Response>;

const app = openAppFolder('vercel-edge');
let database: TestDatabase;
let gateway: OpenedGateway;
let edge: Route;
let live: Route;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await openGateway(database);
  process.env.DATABASE_URL = gateway.url();
  await app.run('npm run check && npm run tables', { DATABASE_URL: gateway.url() });
  edge = await edgeFunction('api/votes.ts');
  const { GET } = await import('../../apps/vercel-edge/api/live.ts');
  live = async () => GET();
});

afterAll(async () => {
  await gateway?.close();
  await database?.drop();
  await app.close();
});

beforeEach(() => database.query('TRUNCATE vote'));

/** The function in an edge runtime of its own, as Vercel has it: all in one file, with the project's environment. */
async function edgeFunction(path: string): Promise<Route> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import route from './${path}'; addEventListener('fetch', (event) => event.respondWith(route(event.request)));`,
      resolveDir: app.path,
    },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    conditions: ['edge-light'],
    logLevel: 'error',
  });
  const runtime = new EdgeRuntime({
    extend: (context) => Object.assign(context, { process: { env: { DATABASE_URL: gateway.url() } } }),
  });
  runtime.evaluate(outputFiles[0]!.text);
  return (request) => runtime.dispatchFetch(request.url, { method: request.method });
}

/** The same function in Node. */
async function nodeFunction(): Promise<Route> {
  return (await import('../../apps/vercel-edge/api/votes.ts')).default;
}

const vote = (choice: string): Request =>
  new Request(`https://poll.example/api/votes?choice=${choice}`, { method: 'POST' });
const look = (): Request => new Request('https://poll.example/api/votes');

test.each([
  ['edge-runtime', () => Promise.resolve(edge)],
  ['Node', nodeFunction],
] as const)('votes are counted, in %s', async (_, route) => {
  const votes = await route();
  expect(await (await votes(look())).json()).toEqual([]);
  await votes(vote('tea'));
  await votes(vote('coffee'));
  const answer = await votes(vote('tea'));
  const results = [
    { choice: 'coffee', votes: 1 },
    { choice: 'tea', votes: 2 },
  ];
  expect({ status: answer.status, body: await answer.json() }).toEqual({ status: 201, body: results });
  expect(await (await votes(look())).json()).toEqual(results);
});

test('a vote for nothing is refused, and counted nowhere', async () => {
  for (const request of [vote('water'), new Request('https://poll.example/api/votes', { method: 'POST' })]) {
    const answer = await edge(request);
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 400,
      body: { error: '?choice= must be coffee or tea' },
    });
  }
  expect((await edge(new Request('https://poll.example/api/votes', { method: 'DELETE' }))).status).toBe(405);
  expect(await database.query('SELECT count(*)::int AS votes FROM vote')).toEqual([{ votes: 0 }]);
});

test('the Node function tells of votes given at the edge, until its reader leaves', async () => {
  const response = await live(look());
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body!.getReader();
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  // It hears of votes from the moment when Postgres has taken its LISTEN.
  const first = read();
  await expect.poll(async () => [await edge(vote('tea')), await soon(first)][1]).toBe('data: tea\n\n');
  await edge(vote('water'));
  await edge(vote('coffee'));
  for (let heard = ''; heard !== 'data: coffee\n\n'; ) {
    heard = await read();
    expect(heard).toMatch(/^data: (tea|coffee)\n\n$/);
  }
  await reader.cancel();
  await expect.poll(() => gateway.gateway.stats().callers).toBe(0);
});

/** What a promise gives, if it does within a moment. */
function soon<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  return Promise.race([promise, new Promise<undefined>((done) => setTimeout(() => done(undefined), 100))]);
}

test('vercel.json names the functions that are there', () => {
  const { functions, outputDirectory } = JSON.parse(readFileSync(join(app.path, 'vercel.json'), 'utf8'));
  for (const path of [...Object.keys(functions), outputDirectory]) expect(existsSync(join(app.path, path))).toBe(true);
});

test('README: a database, and its table', async () => {
  const [dev = '', tables = '', ...more] = app.runnableBlocks();
  expect(more).toEqual([]);
  const running = app.start(dev);
  const [, address = ''] = await running.printed(/HTTP and WebSocket +http:\/\/(\S+)/);
  expect(tables).toContain('127.0.0.1:4444');
  expect(await app.run(tables.replace('127.0.0.1:4444', address))).toContain('The table is there.');
  await running.stop();
});

/** The project as Vercel serves it: files of public/, and the functions. */
async function serveProject(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async ({ url = '/', method = 'GET' }, reply) => {
    const request = new Request(`https://poll.example${url}`, { method });
    const { pathname } = new URL(request.url);
    const response =
      pathname === '/api/votes'
        ? await edge(request)
        : pathname === '/api/live'
          ? await live(request)
          : new Response(readFileSync(join(app.path, 'public/index.html')), {
              headers: { 'content-type': 'text/html' },
            });
    reply.writeHead(response.status, { 'content-type': response.headers.get('content-type') ?? '' });
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    reply.on('close', () => body.destroy());
    body.on('error', () => reply.destroy()).pipe(reply);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

// Chromium is what npm does not bring: `apt-get install chromium`, or CHROMIUM_PATH.
test.skipIf(!existsSync(chromiumPath))(
  `the page shows votes of others (skipped unless ${chromiumPath} exists)`,
  async () => {
    const project = await serveProject();
    const { page, seriousFindings, close } = await openPage(project.url);
    await page.getByText('No votes yet.').waitFor();
    await page.getByRole('button', { name: 'tea' }).click();
    await page.getByText('tea: 1').waitFor();
    const shown = page.getByText(/^coffee: [1-9]\d*, tea: 1$/);
    await expect.poll(async () => [await edge(vote('coffee')), await shown.count()][1], { timeout: 10_000 }).toBe(1);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await seriousFindings()).toEqual([]);
    }
    await page.route('**/api/votes*', (route) => route.fulfill({ status: 500, body: 'no' }));
    await page.getByRole('button', { name: 'tea' }).click();
    await page.getByText('The votes cannot be counted now.').waitFor();
    await close();
    await project.close();
  },
);
