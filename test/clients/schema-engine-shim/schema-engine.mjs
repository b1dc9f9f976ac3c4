#!/usr/bin/env node
// Stands in for Prisma's native schema engine, which cannot be downloaded on an offline machine. It speaks the native
// engine's command line and JSON-RPC, and runs Prisma's own WebAssembly build of the engine over `pg`. A testing tool:
// set PRISMA_SCHEMA_ENGINE_BINARY to this file and the Prisma CLI works.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createDatabase, runDatabaseCommand } from './database-commands.mjs';
import { createWasmEngine } from './wasm-engine.mjs';

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    datamodels: { type: 'string', multiple: true },
    datasource: { type: 'string' },
    version: { type: 'boolean' },
  },
});
const datasource = values.datasource === undefined ? {} : JSON.parse(values.datasource);

if (values.version) console.log('schema-engine-cli 561d7b42579a2459cc8edf3788918b626c640023');
else if (positionals[0] === 'cli') process.exitCode = await runDatabaseCommand(positionals[1], datasource.url);
else await serve();

/** JSON-RPC 2.0, a message a line, until standard input ends. */
async function serve() {
  const datamodels = (values.datamodels ?? []).map((path) => [path, readFileSync(path, 'utf8')]);
  let engine;
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line);
    if (method === undefined) continue; // The answer to a `print` of ours.
    try {
      engine ??= await createWasmEngine({ datamodels, datasource });
      answer({ id, result: (await call(engine, method, params)) ?? null });
    } catch (error) {
      const data = {
        is_panic: false,
        message: error.message,
        error_code: error.code ?? error.error_code,
        meta: error.meta,
      };
      answer({ id, error: { code: 4466, message: 'An error happened. Check the data field for details.', data } });
    }
  }
  engine?.free();
  process.exit(0);
}

async function call(engine, method, params) {
  switch (method) {
    case 'getDatabaseVersion':
      return engine.version(params);
    case 'createDatabase':
      return { databaseName: await createDatabase(params.datasource.url ?? datasource.url) };
    case 'diff': {
      const { exitCode, stdout } = await engine.diff(params);
      if (stdout != null) answer({ id: 0, method: 'print', params: { content: stdout } });
      return { exitCode };
    }
    default:
      return engine[method](params);
  }
}

function answer(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}
