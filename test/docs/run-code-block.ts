/** Executes one code block. Throws an Error that begins with its file and line. */

import pg from 'pg';
import { parseConfig } from '../../apps/postern/src/config/config-schema.ts';
import type { CodeBlock } from './code-blocks.ts';
import { runShell } from './run-shell.ts';
import { runTypeScript } from './run-typescript.ts';
import type { World } from './world.ts';

export async function runCodeBlock(block: CodeBlock, world: World): Promise<void> {
  try {
    await run(block, world);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${block.file}:${block.line}: this ${block.language} block fails: ${message}`, { cause: error });
  }
}

async function run(block: CodeBlock, world: World): Promise<void> {
  switch (block.language) {
    case 'ts':
    case 'js':
      return runTypeScript(block, world);
    case 'sh':
      return runShell(block, world);
    case 'sql':
      return runSql(block, world);
    case 'json':
      return runJson(block);
    default:
      throw new Error(`nobody knows how to run "${block.language}"; ts, js, sh, sql and json can be run`);
  }
}

/** One Query message on a pooled session, as from psql -c. */
async function runSql({ code }: CodeBlock, { pooledUrl }: World): Promise<void> {
  const client = new pg.Client({ connectionString: pooledUrl });
  await client.connect();
  try {
    await client.query(code);
  } finally {
    await client.end();
  }
}

/** A postern.json. */
async function runJson({ code }: CodeBlock): Promise<void> {
  const parsed = parseConfig(JSON.parse(code));
  if (!parsed.success) throw new Error(`not a valid postern.json: ${parsed.error.message}`);
}
