// Prisma's schema engine in WebAssembly, on Node: its own loader expects a bundler.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { createMigrationAdapterFactory } from './migration-adapter.mjs';

// Where the engine leaves the message of a panic, before it ends with `unreachable`.
globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };

export async function createWasmEngine({ datamodels, datasource }) {
  const wasmUrl = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg'));
  const module = await WebAssembly.compile(readFileSync(fileURLToPath(wasmUrl)));
  const instance = await WebAssembly.instantiate(module, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const adapter = bindMigrationAwareSqlAdapterFactory(createMigrationAdapterFactory(datasource));
  return bindings.SchemaEngine.new({ datamodels }, () => {}, adapter);
}
