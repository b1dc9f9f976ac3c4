// What runs in a compiler's thread (../start-compiler.ts). Plain JavaScript, because Node reads it as it is: in the sources
// as in the bundle.
import { parentPort, workerData } from 'node:worker_threads';

/**
 * @typedef {{ bindings: string, module: WebAssembly.Module, schema: string, schemaName: string | undefined,
 *   maxCharacters: number }} Job
 * @typedef {import('../../data-proxy/compiler-thread.ts').CompilerAnswer} Answer
 */

const { bindings, module, schema, schemaName, maxCharacters } = /** @type {Job} */ (workerData);

/** Of the latest panic; the compiler tells it on its way to a trap. */
let panic = '';
Object.assign(globalThis, {
  PRISMA_WASM_PANIC_REGISTRY: {
    set_message(/** @type {string} */ message) {
      panic = message;
    },
  },
});

const runtime = await import(bindings);
const { exports } = new WebAssembly.Instance(module, { './query_compiler_bg.js': runtime });
runtime.__wbg_set_wasm(exports);
/** @type {() => void} */ (exports.__wbindgen_start)();
const memory = /** @type {WebAssembly.Memory} */ (exports.memory);
const compiler = readSchema();

parentPort?.on('message', ({ kind, query }) => parentPort?.postMessage(compile(kind, query)));

/** @returns {{ compile(query: string): unknown, compileBatch(query: string): unknown } | Answer} */
function readSchema() {
  try {
    return new runtime.QueryCompiler({
      datamodel: schema,
      provider: 'postgres',
      connectionInfo: { supportsRelationJoins: true, ...(schemaName === undefined ? {} : { schemaName }) },
    });
  } catch (error) {
    // The same schema would fail again, whatever it was.
    return { outcome: 'schema-refused', ...explain(/** @type {Error} */ (error).message) };
  }
}

/**
 * @param {'single' | 'batch'} kind
 * @param {string} query
 * @returns {Answer}
 */
function compile(kind, query) {
  if ('outcome' in compiler) return compiler;
  try {
    const plan = JSON.stringify(kind === 'single' ? compiler.compile(query) : compiler.compileBatch(query));
    const memoryBytes = memory.buffer.byteLength;
    return plan.length > maxCharacters
      ? { outcome: 'query-refused', message: 'The plan of this query is too large: ask for less at once.', memoryBytes }
      : { outcome: 'compiled', plan, memoryBytes };
  } catch (error) {
    // An Error is the trap of a panic, or of a stack or a memory at its end. What the compiler throws itself is none.
    if (error instanceof Error) return { outcome: 'broken', reason: panic || error.message };
    const { message, code, meta } = /** @type {{ message: string, code?: string, meta?: Record<string, unknown> }} */ (
      error
    );
    return {
      outcome: 'query-refused',
      message,
      ...(typeof code === 'string' ? { code } : {}),
      ...(typeof meta === 'object' && meta !== null ? { meta } : {}),
      memoryBytes: memory.buffer.byteLength,
    };
  }
}

/**
 * A schema's error is JSON, everything else is a trap that says nothing to whoever wrote the schema.
 * @param {string} text
 */
function explain(text) {
  try {
    const { message, error_code: code } = JSON.parse(text);
    return { message: String(message), ...(typeof code === 'string' ? { code } : {}) };
  } catch {
    return { message: 'The query compiler failed on this schema.' };
  }
}
