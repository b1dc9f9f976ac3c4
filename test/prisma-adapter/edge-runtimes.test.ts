// The adapter and a generated client where there is no Node, judged by the official adapter in Node.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { prisma7 } from '@postern/test-prisma-7';
import { createSuiteDatabase, type Outcome, operations, outcomeOf } from '@postern/test-prisma-suite';
import { EdgeRuntime } from 'edge-runtime';
import { build, type Plugin } from 'esbuild';
import { Miniflare } from 'miniflare';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { isForEdge } from './edge-operations.ts';
import { openGateway } from './open-gateway.ts';

// More than a hundred operations each, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

const here = import.meta.dirname;
const suite = prisma7();
const expected: Record<string, Outcome> = {};

beforeAll(async () => {
  const database = await createSuiteDatabase();
  const prisma = suite.openDirect(database.url);
  for (const operation of operations.filter(isForEdge)) {
    expected[operation.name] = await outcomeOf(() => operation.run(prisma));
  }
  await prisma.$disconnect();
  await database.drop();
});

const wasm = (): Promise<Buffer> => readFile(join(suite.folder, 'query_compiler_fast_bg.wasm'));

/** The program as one text, but for the query compiler: a module beside it, or a global variable `compiler`. */
async function bundle(entry: string, condition: 'workerd' | 'edge-light'): Promise<string> {
  const client: Plugin = {
    name: 'generated client',
    setup(setup) {
      setup.onResolve({ filter: /^generated-client$/ }, () => ({ path: join(suite.folder, 'edge.js') }));
      // A dependency of @prisma/client, which is beside the generated client.
      const beside = createRequire(join(suite.folder, 'index.js'));
      const client = createRequire(beside.resolve('@prisma/client/package.json'));
      setup.onResolve({ filter: /^@prisma\/client-runtime-utils$/ }, ({ path }) => ({ path: client.resolve(path) }));
      const isWasm = /\.wasm(\?module)?$/;
      if (condition === 'workerd') {
        setup.onResolve({ filter: isWasm }, () => ({ path: './compiler.wasm', external: true }));
      } else {
        setup.onResolve({ filter: isWasm }, () => ({ path: 'compiler', namespace: 'compiler' }));
        setup.onLoad({ filter: /.*/, namespace: 'compiler' }, () => ({ contents: 'export default compiler' }));
      }
    },
  };
  const { outputFiles } = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    write: false,
    format: condition === 'workerd' ? 'esm' : 'iife',
    platform: 'browser',
    conditions: [condition],
    inject: [join(here, 'edge-buffer.ts')],
    plugins: [client],
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

async function outcomesOf(run: (url: string) => Promise<unknown>): Promise<unknown> {
  const database = await createSuiteDatabase();
  const gateway = await openGateway(database);
  try {
    return await run(gateway.url());
  } finally {
    await gateway.close();
    await database.drop();
  }
}

test('the operations have something to tell', () => {
  expect(Object.keys(expected).length).toBeGreaterThan(90);
});

describe.each(['http', 'ws'] as const)('over %s', (transport) => {
  test('workerd', async () => {
    const contents = await bundle('edge-worker.ts', 'workerd');
    const miniflare = new Miniflare({
      modules: [
        { type: 'ESModule', path: 'worker.mjs', contents },
        { type: 'CompiledWasm', path: 'compiler.wasm', contents: await wasm() },
      ],
      compatibilityDate: '2026-01-01',
      cf: false,
    });
    const outcomes = await outcomesOf(async (url) => {
      const query = `url=${encodeURIComponent(url)}&transport=${transport}`;
      return (await miniflare.dispatchFetch(`http://localhost/?${query}`)).json();
    });
    await miniflare.dispose();
    expect(outcomes).toEqual(expected);
  });

  test('edge-runtime', async () => {
    const text = await bundle('edge-global.ts', 'edge-light');
    const compiler = await WebAssembly.compile(new Uint8Array(await wasm()));
    const runtime = new EdgeRuntime({ extend: (context) => Object.assign(context, { compiler }) });
    runtime.evaluate(text);
    const outcomes = await outcomesOf(async (url) => {
      const call = `runOperations(${JSON.stringify(url)}, '${transport}').then(JSON.stringify)`;
      return JSON.parse((await runtime.evaluate(call)) as string);
    });
    expect(outcomes).toEqual(expected);
  });
});
