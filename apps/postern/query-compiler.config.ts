import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rolldown } from 'tsdown';

const node = fileURLToPath(new URL('../../packages/gateway/src/node/', import.meta.url));
const require = createRequire(node);
const program = '@prisma/client/runtime/query_compiler_bg.postgresql';

/** Where it comes from: its licence goes along. */
export const queryCompilerPackage: string = dirname(require.resolve('@prisma/client/package.json'));

/**
 * Writes dist/query-compiler/: what the gateway's compiler threads run (packages/gateway/src/node/start-compiler.ts). A thread
 * needs files of its own, and they are read only when a client asks for them.
 */
export function queryCompiler(): Rolldown.Plugin {
  return {
    name: 'query-compiler',
    generateBundle() {
      const { wasm } = require(`${program}.wasm-base64.js`) as { wasm: string };
      const files = {
        'program.mjs': readFileSync(join(node, 'query-compiler/program.mjs')),
        'query_compiler_bg.mjs': readFileSync(require.resolve(`${program}.mjs`)),
        'query_compiler_bg.wasm': Buffer.from(wasm, 'base64'),
      };
      for (const [name, source] of Object.entries(files)) {
        this.emitFile({ type: 'asset', fileName: `query-compiler/${name}`, source });
      }
    },
  };
}
