/** Prisma's query compiler in threads of this process: a WebAssembly program that is loaded when the first client needs it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  type CompilerAnswer,
  type CompilerThread,
  maxPlanCharacters,
  type StartCompiler,
} from '../data-proxy/compiler-thread.ts';
import { limitMemory } from './limit-memory.ts';

/** For one schema, with its query under way. Schemas of a thousand models take 20 MB, a list of 70,000 values 50 MB. */
const maxPages = 256 * 16;
/** Of JavaScript's own memory, which holds plans on their way out. */
const maxHeapMegabytes = 256;

/** Beside the sources as beside the bundle (apps/postern/query-compiler.config.ts). */
const folder = new URL('./query-compiler/', import.meta.url);

interface Program {
  readonly module: WebAssembly.Module;
  /** URL of the JavaScript that goes with it. */
  readonly bindings: string;
}

export interface StartCompilerOptions {
  /** Longest plan that is given out; default `maxPlanCharacters`. */
  readonly maxCharacters?: number;
}

/** The program is read once for all threads. */
export function createStartCompiler({ maxCharacters = maxPlanCharacters }: StartCompilerOptions = {}): StartCompiler {
  let program: Promise<Program> | undefined;
  return ({ schema, schemaName }) => {
    program ??= loadProgram();
    const loading = program;
    loading.catch(() => {
      // Files may be missing for a moment only.
      if (program === loading) program = undefined;
    });
    const worker = loading.then(
      ({ module, bindings }) =>
        new Worker(new URL('program.mjs', folder), {
          name: 'query compiler',
          workerData: { module, bindings, schema, schemaName, maxCharacters },
          // Nothing of ours is its business.
          env: {},
          execArgv: [],
          resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
        }),
    );
    return superviseThread(worker);
  };
}

function superviseThread(started: Promise<Worker>): CompilerThread {
  let pending: ((answer: CompilerAnswer) => void) | undefined;
  let state: { readonly name: 'alive' } | { readonly name: 'over'; readonly reason: string } = { name: 'alive' };
  const over = (reason: string): void => {
    if (state.name === 'over') return;
    state = { name: 'over', reason };
    pending?.({ outcome: 'broken', reason });
    pending = undefined;
  };
  started.then(
    (worker) => {
      // What waits for an answer keeps the process alive by itself.
      worker.unref();
      worker.on('message', (answer: CompilerAnswer) => {
        pending?.(answer);
        pending = undefined;
      });
      worker.on('error', (error) => over(error.message));
      worker.on('exit', (code) => over(`the thread ended with ${code}`));
    },
    (error: Error) => over(error.message),
  );
  return {
    compile: (kind, query) =>
      new Promise((resolve) => {
        if (state.name === 'over') {
          resolve({ outcome: 'broken', reason: state.reason });
          return;
        }
        pending = resolve;
        void started.then((worker) => worker.postMessage({ kind, query })).catch(() => {});
      }),
    end() {
      over('ended');
      void started.then((worker) => worker.terminate()).catch(() => {});
    },
  };
}

async function loadProgram(): Promise<Program> {
  const { wasm, bindings } = await findProgram();
  // A browser's types want memory that is not shared; ours is not.
  const limited = limitMemory(wasm, maxPages) as Uint8Array<ArrayBuffer>;
  return { module: await WebAssembly.compile(limited), bindings: bindings.href };
}

/** What was built in; in this repository, the package it comes from. */
async function findProgram(): Promise<{ wasm: Uint8Array; bindings: URL }> {
  const built = new URL('query_compiler_bg.wasm', folder);
  if (existsSync(built)) {
    return { wasm: await readFile(built), bindings: new URL('query_compiler_bg.mjs', folder) };
  }
  const require = createRequire(import.meta.url);
  const name = '@prisma/client/runtime/query_compiler_bg.postgresql';
  const { wasm } = require(`${name}.wasm-base64.js`) as { wasm: string };
  return { wasm: Buffer.from(wasm, 'base64'), bindings: pathToFileURL(require.resolve(`${name}.mjs`)) };
}
